package io.stillhouse.server.telemetry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The account of one device: its spools, and in which health groups it was already counted in the
 * current window. Not thread-safe.
 */
final class DeviceLedger {
  /** Spools of one device that are told apart; a new spool comes with a new identity or disk. */
  static final int SPOOLS_MAX = 8;

  /** Groups of one window in which a device is counted once each. */
  static final int GROUPS_MAX = 16;

  private final String device;
  // In the order last heard: the first is the one to fold.
  private final LinkedHashMap<String, SpoolLedger> spools = new LinkedHashMap<>();
  private SpoolLedger.Totals folded;
  private Counted counted;
  private Heard heard;

  /** The window in which the device was last counted, and in which groups. */
  record Counted(long windowStartMillis, Set<String> groups) {
    static final Counted NEVER = new Counted(Long.MIN_VALUE, Set.of());

    Counted {
      groups = Set.copyOf(groups);
    }
  }

  /** When the device's last record came, by broker time, and how many inferences it told. */
  record Heard(long atEpochMillis, long inferences) {
    static final Heard NEVER = new Heard(0, 0);
  }

  DeviceLedger(String device) {
    this(device, List.of(), SpoolLedger.Totals.NONE, Counted.NEVER, Heard.NEVER);
  }

  DeviceLedger(
      String device,
      List<SpoolLedger> spools,
      SpoolLedger.Totals folded,
      Counted counted,
      Heard heard) {
    this.device = device;
    spools.forEach(spool -> this.spools.put(spool.spool(), spool));
    this.folded = folded;
    this.counted = counted;
    this.heard = heard;
  }

  String device() {
    return device;
  }

  List<SpoolLedger> spools() {
    return List.copyOf(spools.values());
  }

  SpoolLedger.Totals folded() {
    return folded;
  }

  Counted counted() {
    return counted;
  }

  Heard heard() {
    return heard;
  }

  /** Takes a record into account; false when it came before. */
  boolean accept(DeviceRecord record, long brokerMillis) {
    SpoolLedger spool = spools.remove(record.spool());
    if (spool == null) {
      spool = new SpoolLedger(record.spool());
    }
    spools.put(record.spool(), spool);
    if (spools.size() > SPOOLS_MAX) {
      Map.Entry<String, SpoolLedger> oldest = spools.entrySet().iterator().next();
      folded = folded.plus(oldest.getValue().totals());
      spools.remove(oldest.getKey());
    }
    heard =
        new Heard(
            brokerMillis,
            record.window().map(w -> w.counts().inferences()).orElse(heard.inferences()));
    return spool.accept(record.seq(), record.dropped());
  }

  /** True the first time that the device is seen in a group within a window. */
  boolean countIn(String group, long windowStartMillis) {
    Set<String> groups = new LinkedHashSet<>();
    if (counted.windowStartMillis() == windowStartMillis) {
      groups.addAll(counted.groups());
    }
    boolean first = groups.size() < GROUPS_MAX && groups.add(group);
    counted = new Counted(windowStartMillis, groups);
    return first;
  }

  /** Sums over all spools. */
  TelemetryLoss loss() {
    List<SpoolLedger.Totals> parts = new ArrayList<>();
    parts.add(folded);
    spools.values().forEach(spool -> parts.add(spool.totals()));
    TelemetryLoss sum = TelemetryLoss.NONE;
    for (SpoolLedger.Totals part : parts) {
      sum = sum.plus(part.toLoss());
    }
    return sum;
  }
}
