/**
 * Artifacts: packaged from a lab's model directory, signed, kept by their digests, read back
 * verified.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.artifact;
