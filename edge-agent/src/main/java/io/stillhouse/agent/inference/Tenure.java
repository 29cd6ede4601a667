package io.stillhouse.agent.inference;

/**
 * A period in which one slot was live with one placement and one probation flag, and what was
 * counted in it.
 *
 * @param id rises by one per tenure of this process
 */
public record Tenure(long id, LoadedSlot slot, boolean live, LiveStats stats) {
  /** Retired tenures that are remembered, so that a slow reader misses none of their counts. */
  public static final int KEPT_MAX = 32;
}
