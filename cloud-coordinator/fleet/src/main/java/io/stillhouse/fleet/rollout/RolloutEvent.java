package io.stillhouse.fleet.rollout;

import java.time.Instant;

/**
 * A line of a rollout's history. {@code (rollout, version, ordinal in the decision)} is unique,
 * which makes the history the guard against applying a decision twice.
 *
 * @param kind what changed: {@code phase}, {@code wave} or {@code gate}
 * @param cause one line of why
 */
public record RolloutEvent(String kind, String from, String to, String cause, Instant at) {}
