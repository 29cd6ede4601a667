/**
 * The message broker that telemetry goes through: one in this process by default, anybody else's by
 * configuration, and the topics that both must have.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.broker;
