package io.stillhouse.server.telemetry;

import java.util.ArrayList;
import java.util.List;

/**
 * The account of one spool: which sequence numbers came, how often, and which did not. Sequence
 * numbers start at 1, so the highest one seen is how many records were sent. Not thread-safe.
 *
 * <p>Exact while the missing numbers form at most {@link #GAPS_MAX} runs; beyond that the oldest
 * run is given up as missing for good, and a late arrival of it counts as a duplicate.
 */
final class SpoolLedger {
  /** Runs of missing sequence numbers that are told apart. */
  static final int GAPS_MAX = 256;

  private final String spool;
  private long highest;
  private long received;
  private long duplicates;
  private long dropped;
  private final List<Gap> gaps;

  /** A run of sequence numbers that have not come, both ends included. */
  record Gap(long first, long last) {}

  /** The plain numbers. */
  record Totals(long highest, long received, long duplicates, long dropped) {
    static final Totals NONE = new Totals(0, 0, 0, 0);

    Totals plus(Totals other) {
      return new Totals(
          highest + other.highest,
          received + other.received,
          duplicates + other.duplicates,
          dropped + other.dropped);
    }

    /** As the operator sees it. */
    TelemetryLoss toLoss() {
      long missing = highest - received;
      // A drop is told with the record after it, a moment before that record's own gap can close.
      long explained = Math.min(missing, dropped);
      return new TelemetryLoss(highest, received, missing - explained, duplicates, explained);
    }
  }

  SpoolLedger(String spool) {
    this(spool, Totals.NONE, List.of());
  }

  SpoolLedger(String spool, Totals totals, List<Gap> gaps) {
    this.spool = spool;
    this.highest = totals.highest();
    this.received = totals.received();
    this.duplicates = totals.duplicates();
    this.dropped = totals.dropped();
    this.gaps = new ArrayList<>(gaps);
  }

  String spool() {
    return spool;
  }

  Totals totals() {
    return new Totals(highest, received, duplicates, dropped);
  }

  List<Gap> gaps() {
    return List.copyOf(gaps);
  }

  /** Takes a record into account; false when it came before. */
  boolean accept(long seq, long droppedSoFar) {
    dropped = Math.max(dropped, droppedSoFar);
    if (seq > highest) {
      if (seq > highest + 1) {
        gaps.add(new Gap(highest + 1, seq - 1));
        if (gaps.size() > GAPS_MAX) {
          gaps.remove(0);
        }
      }
      highest = seq;
      received++;
      return true;
    }
    if (fill(seq)) {
      received++;
      return true;
    }
    duplicates++;
    return false;
  }

  private boolean fill(long seq) {
    for (int i = gaps.size() - 1; i >= 0; i--) {
      Gap gap = gaps.get(i);
      if (seq > gap.last()) {
        return false;
      }
      if (seq >= gap.first()) {
        gaps.remove(i);
        if (seq < gap.last()) {
          gaps.add(i, new Gap(seq + 1, gap.last()));
        }
        if (seq > gap.first()) {
          gaps.add(i, new Gap(gap.first(), seq - 1));
        }
        if (gaps.size() > GAPS_MAX) {
          gaps.remove(0);
        }
        return true;
      }
    }
    return false;
  }
}
