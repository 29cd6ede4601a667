/** The coordinator process: wires policy, storage, links and the lab together. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server;
