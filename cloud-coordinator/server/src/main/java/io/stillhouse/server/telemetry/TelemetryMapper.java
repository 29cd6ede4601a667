package io.stillhouse.server.telemetry;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.proto.telemetry.v1.DeviceEvent;
import io.stillhouse.proto.telemetry.v1.HealthWindow;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Between bytes and this package's records; the only class here that knows generated types.
 *
 * <p>Anybody who reaches the broker can write to it, so what comes from devices is believed only as
 * far as it is possible: a content that contradicts itself is refused whole, with a reason from a
 * fixed small set. Its record still counts as received: it was not lost.
 */
final class TelemetryMapper {
  /** Above this a sequence number or a count is not a measurement. */
  static final long COUNT_MAX = 1L << 48;

  private static final int WAVES_MAX = 1_000;

  /** Agents tell differences of two long sums of doubles. */
  private static final double CONFIDENCE_ROUNDING = 0.01;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}");
  private static final Pattern CLASS = Pattern.compile("[a-z0-9][a-z0-9_-]{0,95}");
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

  private TelemetryMapper() {}

  /** Bytes that are no record of ours. */
  static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    RefusedException(String reason) {
      super(reason, null, false, false);
    }

    /** One of {@code unreadable}, {@code identity}, {@code numbers}, {@code names}. */
    String reason() {
      return String.valueOf(getMessage());
    }
  }

  static DeviceRecord window(String key, byte[] bytes) throws RefusedException {
    TelemetryWindow w;
    try {
      w = TelemetryWindow.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new RefusedException("unreadable");
    }
    checkIdentity(key, w.getDeviceId(), w.getSpoolId(), w.getSeq());
    Optional<DeviceRecord.Window> content = Optional.empty();
    Optional<String> refusal = Optional.empty();
    try {
      content = content(w);
    } catch (RefusedException e) {
      refusal = Optional.of(e.reason());
    }
    return new DeviceRecord(
        w.getDeviceId(),
        w.getSpoolId(),
        w.getSeq(),
        counted(w.getDroppedRecords()) ? w.getDroppedRecords() : 0,
        content,
        refusal);
  }

  private static Optional<DeviceRecord.Window> content(TelemetryWindow w) throws RefusedException {
    long answered = w.getInferences() - w.getErrors();
    long timed = sumChecked(w.getLatencyHistogramList());
    sumChecked(w.getClassCountsList());
    check(
        counted(w.getInferences(), w.getErrors(), w.getFeedbackCount(), w.getFeedbackCorrect())
            && counted(w.getDroppedRecords())
            && answered >= 0
            && w.getFeedbackCorrect() <= w.getFeedbackCount()
            && w.getFeedbackCount() <= w.getInferences()
            && w.getLatencyHistogramCount() <= LatencyHistogram.BUCKETS
            && timed <= w.getInferences()
            && w.getWave() >= 0
            && w.getWave() < WAVES_MAX
            && w.getConfidenceSum() >= -CONFIDENCE_ROUNDING
            && w.getConfidenceSum() <= answered + CONFIDENCE_ROUNDING,
        "numbers");
    if (w.getHardwareClass().isEmpty() && w.getInferences() == 0) {
      // A device that runs no model lives, and measures nothing.
      return Optional.empty();
    }
    check(
        (w.getRolloutId().isEmpty() || NAME.matcher(w.getRolloutId()).matches())
            && CLASS.matcher(w.getHardwareClass()).matches()
            && (w.getRunningSha256().isEmpty() || DIGEST.matcher(w.getRunningSha256()).matches()),
        "names");
    HealthKey group =
        new HealthKey(w.getRolloutId(), w.getWave(), w.getHardwareClass(), w.getRunningSha256());
    HealthCounts counts =
        new HealthCounts(
            w.getInferences(),
            w.getErrors(),
            w.getLatencyHistogramList(),
            Math.max(0, Math.min((double) answered, w.getConfidenceSum())),
            0,
            w.getFeedbackCount(),
            w.getFeedbackCorrect(),
            w.getClassCountsList()
                .subList(0, Math.min(HealthCounts.CLASSES_MAX, w.getClassCountsCount())),
            BoardLoad.of(w.getCpuShare(), w.getResidentBytes(), w.getTemperatureCelsius()));
    return Optional.of(new DeviceRecord.Window(group, counts));
  }

  static DeviceRecord event(String key, byte[] bytes) throws RefusedException {
    DeviceEvent e;
    try {
      e = DeviceEvent.parseFrom(bytes);
    } catch (InvalidProtocolBufferException broken) {
      throw new RefusedException("unreadable");
    }
    checkIdentity(key, e.getDeviceId(), e.getSpoolId(), e.getSeq());
    return new DeviceRecord(
        e.getDeviceId(), e.getSpoolId(), e.getSeq(), 0, Optional.empty(), Optional.empty());
  }

  static byte[] healthWindow(
      HealthKey key, long startEpochMillis, long millis, HealthCounts counts) {
    return HealthWindow.newBuilder()
        .setRolloutId(key.rollout())
        .setWave(key.wave())
        .setHardwareClass(key.hardwareClass())
        .setRunningSha256(key.digest())
        .setWindowStartEpochMillis(startEpochMillis)
        .setWindowMillis(millis)
        .setInferences(counts.inferences())
        .setErrors(counts.errors())
        .addAllLatencyHistogram(counts.latency())
        .setConfidenceSum(counts.confidenceSum())
        .setDevices(counts.devices())
        .setFeedbackCount(counts.feedbackCount())
        .setFeedbackCorrect(counts.feedbackCorrect())
        .addAllClassCounts(counts.classCounts())
        .setLoadWindows(counts.load().windows())
        .setCpuShareSum(counts.load().cpuShareSum())
        .setResidentBytesSum(counts.load().residentBytesSum())
        .setTemperatureWindows(counts.load().temperatureWindows())
        .setTemperatureCelsiusSum(counts.load().temperatureCelsiusSum())
        .build()
        .toByteArray();
  }

  /** A health window as read back. */
  record ReadWindow(HealthKey key, long startEpochMillis, HealthCounts counts) {}

  static ReadWindow healthWindow(byte[] bytes) throws RefusedException {
    HealthWindow w = parseHealth(bytes);
    HealthKey key =
        new HealthKey(w.getRolloutId(), w.getWave(), w.getHardwareClass(), w.getRunningSha256());
    return new ReadWindow(key, w.getWindowStartEpochMillis(), counts(w));
  }

  /** The counts alone, as they travel between the parts of the topology. */
  static byte[] counts(HealthCounts counts) {
    return healthWindow(new HealthKey("", 0, "", ""), 0, 0, counts);
  }

  static HealthCounts counts(byte[] bytes) throws RefusedException {
    return counts(parseHealth(bytes));
  }

  static byte[] ledger(DeviceLedger ledger) {
    var builder =
        io.stillhouse.proto.telemetry.v1.DeviceLedger.newBuilder()
            .setDeviceId(ledger.device())
            .setFolded(spool("", ledger.folded(), List.of()))
            .setCountedWindowStartEpochMillis(ledger.counted().windowStartMillis())
            // Sorted, so that equal ledgers are equal bytes.
            .addAllCountedGroups(ledger.counted().groups().stream().sorted().toList())
            .setLastHeardEpochMillis(ledger.heard().atEpochMillis())
            .setLastWindowInferences(ledger.heard().inferences());
    for (SpoolLedger spool : ledger.spools()) {
      builder.addSpools(spool(spool.spool(), spool.totals(), spool.gaps()));
    }
    return builder.build().toByteArray();
  }

  static DeviceLedger ledger(byte[] bytes) throws RefusedException {
    io.stillhouse.proto.telemetry.v1.DeviceLedger read;
    try {
      read = io.stillhouse.proto.telemetry.v1.DeviceLedger.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new RefusedException("unreadable");
    }
    List<SpoolLedger> spools = new ArrayList<>();
    for (var spool : read.getSpoolsList()) {
      List<SpoolLedger.Gap> gaps = new ArrayList<>();
      for (int i = 0; i + 1 < spool.getMissingCount(); i += 2) {
        gaps.add(new SpoolLedger.Gap(spool.getMissing(i), spool.getMissing(i + 1)));
      }
      spools.add(new SpoolLedger(spool.getSpoolId(), totals(spool), gaps));
    }
    return new DeviceLedger(
        read.getDeviceId(),
        spools,
        totals(read.getFolded()),
        new DeviceLedger.Counted(
            read.getCountedWindowStartEpochMillis(), Set.copyOf(read.getCountedGroupsList())),
        new DeviceLedger.Heard(read.getLastHeardEpochMillis(), read.getLastWindowInferences()));
  }

  private static io.stillhouse.proto.telemetry.v1.SpoolLedger spool(
      String id, SpoolLedger.Totals totals, List<SpoolLedger.Gap> gaps) {
    var builder =
        io.stillhouse.proto.telemetry.v1.SpoolLedger.newBuilder()
            .setSpoolId(id)
            .setHighestSeq(totals.highest())
            .setReceived(totals.received())
            .setDuplicates(totals.duplicates())
            .setDropped(totals.dropped());
    gaps.forEach(gap -> builder.addMissing(gap.first()).addMissing(gap.last()));
    return builder.build();
  }

  private static SpoolLedger.Totals totals(io.stillhouse.proto.telemetry.v1.SpoolLedger spool) {
    return new SpoolLedger.Totals(
        spool.getHighestSeq(), spool.getReceived(), spool.getDuplicates(), spool.getDropped());
  }

  private static HealthWindow parseHealth(byte[] bytes) throws RefusedException {
    try {
      return HealthWindow.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new RefusedException("unreadable");
    }
  }

  private static HealthCounts counts(HealthWindow w) {
    return new HealthCounts(
        w.getInferences(),
        w.getErrors(),
        w.getLatencyHistogramList(),
        w.getConfidenceSum(),
        w.getDevices(),
        w.getFeedbackCount(),
        w.getFeedbackCorrect(),
        w.getClassCountsList(),
        new BoardLoad(
            w.getLoadWindows(),
            w.getCpuShareSum(),
            w.getResidentBytesSum(),
            w.getTemperatureWindows(),
            w.getTemperatureCelsiusSum()));
  }

  private static void checkIdentity(String key, String device, String spool, long seq)
      throws RefusedException {
    check(key.equals(device), "identity");
    check(NAME.matcher(device).matches() && NAME.matcher(spool).matches(), "names");
    check(seq >= 1 && seq <= COUNT_MAX, "numbers");
  }

  private static long sumChecked(List<Long> counts) throws RefusedException {
    long sum = 0;
    for (long count : counts) {
      check(count >= 0 && count <= COUNT_MAX, "numbers");
      sum += count;
    }
    return sum;
  }

  private static boolean counted(long... counts) {
    for (long count : counts) {
      if (count < 0 || count > COUNT_MAX) {
        return false;
      }
    }
    return true;
  }

  private static void check(boolean holds, String reason) throws RefusedException {
    if (!holds) {
      throw new RefusedException(reason);
    }
  }
}
