/**
 * How a model version reaches the fleet: waves, gates, verdicts and the way back. Pure functions.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet.rollout;
