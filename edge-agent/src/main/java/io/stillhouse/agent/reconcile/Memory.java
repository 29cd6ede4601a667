package io.stillhouse.agent.reconcile;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What outlives an update.
 *
 * @param quarantine digests that failed here, newest last: a record for people, since the
 *     coordinator decides what is asked for again
 * @param floors least acceptable release counter by logical model; never falls
 */
public record Memory(List<Quarantined> quarantine, Map<String, Long> floors) {
  /** Older entries are forgotten first. */
  public static final int QUARANTINE_MAX = 64;

  public static final Memory EMPTY = new Memory(List.of(), Map.of());

  public Memory {
    quarantine = List.copyOf(quarantine);
    // Sorted, so that equal memories have equal journals.
    floors = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(floors));
  }

  /** A digest that was rolled back here at a generation. A newer generation may ask again. */
  public record Quarantined(Digest digest, long generation, RefusalReason reason) {}

  /** Least acceptable release counter of a logical model. */
  public long floor(String model) {
    return floors.getOrDefault(model, 0L);
  }

  Memory quarantining(Quarantined entry) {
    List<Quarantined> next = new ArrayList<>(without(entry.digest()).quarantine);
    next.add(entry);
    return new Memory(next.subList(Math.max(0, next.size() - QUARANTINE_MAX), next.size()), floors);
  }

  Memory without(Digest digest) {
    return new Memory(quarantine.stream().filter(q -> !q.digest().equals(digest)).toList(), floors);
  }

  /**
   * Raises the floor at a commit. It stays at or below both held releases, so that this device's
   * fallback and a fleet rollback to it remain acceptable; a signed minimum goes above that on
   * purpose.
   */
  Memory committing(Models models) {
    if (models.committed().isEmpty()) {
      return this;
    }
    Release release = models.committed().get().release();
    long held =
        models
            .fallback()
            .map(Installed::release)
            .filter(f -> f.model().equals(release.model()))
            .map(f -> Math.min(f.counter(), release.counter()))
            .orElse(0L);
    long floor = Math.max(floor(release.model()), Math.max(held, release.minCounter()));
    if (floor == floor(release.model())) {
      return this;
    }
    Map<String, Long> next = new TreeMap<>(floors);
    next.put(release.model(), floor);
    return new Memory(quarantine, next);
  }
}
