/**
 * What the fleet says through Kafka, and what is made of it: health by rollout, wave, hardware
 * class and artifact, and an exact account of records lost on the way.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.telemetry;
