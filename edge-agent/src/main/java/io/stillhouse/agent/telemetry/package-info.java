/**
 * Keeps what the device has to say in a bounded crash-safe spool and drains it to Kafka; counts
 * exactly what the bound cost.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.telemetry;
