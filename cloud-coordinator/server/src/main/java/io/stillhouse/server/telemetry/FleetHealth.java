package io.stillhouse.server.telemetry;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Fleet health and telemetry loss as last read from Kafka, for gates and people. Every coordinator
 * reads both topics whole, so each one answers for the whole fleet whichever stream instance did
 * the sums. Thread-safe; methods do not block.
 *
 * <p>Devices tag what they measure with the rollout and wave that made them run it, so a sum over
 * all windows of a wave is the sum since it opened.
 */
public final class FleetHealth {
  /** Groups that are kept; beyond it the one that was heard longest ago goes. */
  static final int GROUPS_MAX = 4_096;

  /** Devices whose accounts are kept; beyond it new ones are not shown. */
  static final int DEVICES_MAX = 100_000;

  /** A window older than this against the newest one can no longer change and is folded. */
  private static final long OPEN_MILLIS =
      HealthTopology.WINDOW.plus(HealthTopology.GRACE).toMillis() * 4;

  private final Map<HealthKey, Group> groups = new HashMap<>();
  private final Map<String, Account> accounts = new TreeMap<>();

  /** Sums of one group. */
  private static final class Group {
    private final TreeMap<Long, HealthCounts> open = new TreeMap<>();
    private HealthCounts folded = HealthCounts.NONE;
    private long foldedUntil = Long.MIN_VALUE;
    private long latest = Long.MIN_VALUE;

    void put(long start, HealthCounts counts) {
      if (start < foldedUntil) {
        // Already summed up; it can be here again only because the topic is being read anew.
        return;
      }
      open.put(start, counts);
      latest = Math.max(latest, start);
      while (open.firstKey() < latest - OPEN_MILLIS) {
        Map.Entry<Long, HealthCounts> oldest = open.pollFirstEntry();
        folded = folded.plus(oldest.getValue());
        foldedUntil = oldest.getKey() + 1;
      }
    }

    HealthCounts total() {
      HealthCounts total = folded;
      for (HealthCounts counts : open.values()) {
        total = total.plus(counts);
      }
      return total;
    }

    HealthCounts since(long start) {
      HealthCounts total = HealthCounts.NONE;
      for (HealthCounts counts : open.tailMap(start, true).values()) {
        total = total.plus(counts);
      }
      return total;
    }

    long devicesNow() {
      Map.Entry<Long, HealthCounts> last = open.lastEntry();
      return last == null ? 0 : last.getValue().devices();
    }
  }

  private record Account(TelemetryLoss loss, long heardEpochMillis) {}

  /**
   * One group as people see it.
   *
   * @param devices distinct, in its latest window
   */
  public record Row(HealthKey key, HealthCounts counts, long devices, long latestEpochMillis) {}

  /**
   * The account of one device.
   *
   * @param heardEpochMillis broker time of its last record
   */
  public record DeviceLoss(String device, TelemetryLoss loss, long heardEpochMillis) {}

  /**
   * What one class of a wave has measured since the wave opened, with one artifact. A device names
   * the wave from the moment it is wanted there, so what it measures with its old artifact until
   * the swap, and with its fallback after a rollback, stands beside it under another digest.
   */
  public synchronized HealthCounts wave(
      String rollout, int wave, String hardwareClass, String digest) {
    Group group = groups.get(new HealthKey(rollout, wave, hardwareClass, digest));
    return group == null ? HealthCounts.NONE : group.total();
  }

  /** What one artifact has measured on one class, in all rollouts that are still kept. */
  public synchronized HealthCounts baseline(String digest, String hardwareClass) {
    HealthCounts total = HealthCounts.NONE;
    for (Map.Entry<HealthKey, Group> entry : groups.entrySet()) {
      HealthKey key = entry.getKey();
      if (key.digest().equals(digest) && key.hardwareClass().equals(hardwareClass)) {
        total = total.plus(entry.getValue().total());
      }
    }
    return total;
  }

  /** Every group, the ones heard last first. */
  public synchronized List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    groups.forEach(
        (key, group) -> rows.add(new Row(key, group.total(), group.devicesNow(), group.latest)));
    rows.sort(
        Comparator.comparingLong(Row::latestEpochMillis)
            .reversed()
            .thenComparing(row -> row.key().wire()));
    return rows;
  }

  /**
   * A group that is being heard.
   *
   * @param total since it was first heard
   * @param lately in the windows that can still change, the last few minutes
   */
  public record Heard(HealthKey key, HealthCounts total, HealthCounts lately) {}

  /** Groups that are being heard, the ones heard last first, at most {@code max}. */
  public synchronized List<Heard> heard(int max) {
    long since = heardSince();
    return groups.entrySet().stream()
        .filter(entry -> entry.getValue().latest >= since)
        .sorted(
            Comparator.comparingLong((Map.Entry<HealthKey, Group> e) -> e.getValue().latest)
                .reversed()
                .thenComparing(e -> e.getKey().wire()))
        .limit(max)
        .map(e -> new Heard(e.getKey(), e.getValue().total(), e.getValue().since(since)))
        .toList();
  }

  /** How many groups are being heard. */
  public synchronized long heardGroups() {
    long since = heardSince();
    return groups.values().stream().filter(group -> group.latest >= since).count();
  }

  /** Told by the newest window of all, so that no clock but the broker's is asked. */
  private long heardSince() {
    return groups.values().stream().mapToLong(group -> group.latest).max().orElse(0) - OPEN_MILLIS;
  }

  /** Sums over all devices. */
  public synchronized TelemetryLoss loss() {
    TelemetryLoss sum = TelemetryLoss.NONE;
    for (Account account : accounts.values()) {
      sum = sum.plus(account.loss());
    }
    return sum;
  }

  /** The account of each device, by device id. */
  public synchronized List<DeviceLoss> devices() {
    List<DeviceLoss> devices = new ArrayList<>();
    accounts.forEach(
        (device, account) ->
            devices.add(new DeviceLoss(device, account.loss(), account.heardEpochMillis())));
    return devices;
  }

  /** The account of one device; empty before its first record. */
  public synchronized Optional<DeviceLoss> device(String device) {
    return Optional.ofNullable(accounts.get(device))
        .map(account -> new DeviceLoss(device, account.loss(), account.heardEpochMillis()));
  }

  synchronized void takeWindow(HealthKey key, long startEpochMillis, HealthCounts counts) {
    groups.computeIfAbsent(key, k -> new Group()).put(startEpochMillis, counts);
    if (groups.size() > GROUPS_MAX) {
      groups.entrySet().stream()
          .min(Comparator.comparingLong(entry -> entry.getValue().latest))
          .map(Map.Entry::getKey)
          .ifPresent(groups::remove);
    }
  }

  synchronized void takeLedger(DeviceLedger ledger) {
    if (accounts.size() < DEVICES_MAX || accounts.containsKey(ledger.device())) {
      accounts.put(ledger.device(), new Account(ledger.loss(), ledger.heard().atEpochMillis()));
    }
  }
}
