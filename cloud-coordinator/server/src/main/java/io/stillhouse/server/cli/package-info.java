/** The {@code stillhouse} commands: people and scripts on one side, the REST API on the other. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.cli;
