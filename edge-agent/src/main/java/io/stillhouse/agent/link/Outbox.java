package io.stillhouse.agent.link;

import io.stillhouse.proto.device.v1.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Reports that no acknowledgement has come for yet. Each session sends all of them, in order: they
 * are delivered at least once. Bounded: beyond {@value #REPORTS_MAX} the oldest goes, because the
 * state on record, which every Hello carries, matters more than the way to it. Thread-safe.
 */
final class Outbox {
  static final int REPORTS_MAX = 256;

  private final TreeMap<Long, Report> waiting = new TreeMap<>();
  private long lastSeq;

  /** Gives a report its place; it waits from now on. */
  synchronized void add(Report.Builder report) {
    report.setSeq(nextSeq());
    waiting.put(report.getSeq(), report.build());
    if (waiting.size() > REPORTS_MAX) {
      waiting.pollFirstEntry();
    }
  }

  /** A place in the sequence for a message that does not wait. */
  synchronized long nextSeq() {
    return ++lastSeq;
  }

  synchronized void acknowledged(long seq) {
    waiting.remove(seq);
  }

  /** The reports after {@code seq} that still wait, in order. */
  synchronized List<Report> after(long seq) {
    return new ArrayList<>(waiting.tailMap(seq, false).values());
  }
}
