package io.stillhouse.server.device;

import com.google.protobuf.ByteString;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.model.Precision;
import io.stillhouse.model.profile.Board;
import io.stillhouse.model.profile.CpuArch;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.model.profile.Probe;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DesiredState;
import io.stillhouse.proto.device.v1.RefusalReason;
import io.stillhouse.proto.device.v1.ReportAck;
import io.stillhouse.proto.device.v1.SelfTestResult;
import io.stillhouse.server.storage.DeviceStates.Wish;
import io.stillhouse.server.storage.StoredJson;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Between wire messages and the fleet's types; the one place where both are seen. Wire values are
 * checked here: what is malformed throws {@link IllegalArgumentException}.
 */
final class DeviceMapper {
  private static final int BOOT_ID_CHARS_MAX = 64;
  private static final int TEXT_CHARS_MAX = 200;
  private static final int LIST_MAX = 64;
  private static final int PROBES_MAX = 256;

  private DeviceMapper() {}

  static HardwareProfile profile(io.stillhouse.proto.device.v1.HardwareProfile wire) {
    limit("isa_features", wire.getIsaFeaturesCount(), LIST_MAX);
    limit("accelerators", wire.getAcceleratorsCount(), LIST_MAX);
    limit("probes", wire.getProbesCount(), PROBES_MAX);
    List<Probe> probes = wire.getProbesList().stream().map(DeviceMapper::probe).toList();
    return new HardwareProfile(
        new Board(
            text("board", wire.getBoard()),
            architecture(wire.getArchitecture()),
            wire.getIsaFeaturesList().stream().map(f -> text("isa_features", f)).toList(),
            wire.getCores(),
            new Board.Capacity(
                wire.getMemoryBytes(),
                wire.getStorageFreeBytes(),
                wire.getAcceleratorsList().stream().map(a -> text("accelerators", a)).toList())),
        new DeviceLimits(
            wire.getInferenceThreads(),
            wire.getModelMemoryBytesMax(),
            wire.getModelFileBytesMax(),
            Duration.ofNanos(Math.multiplyExact(wire.getLatencyP99MicrosMax(), 1_000L)),
            wire.getLimitsSimulated()),
        probes,
        text("runtime_version", wire.getRuntimeVersion()));
  }

  private static Probe probe(io.stillhouse.proto.device.v1.Probe wire) {
    if (!Double.isFinite(wire.getP50Micros()) || wire.getP50Micros() < 0) {
      throw new IllegalArgumentException(
          "p50_micros: " + wire.getP50Micros() + " (expected: finite and >= 0)");
    }
    Precision precision =
        switch (wire.getPrecision()) {
          case PRECISION_FP32 -> Precision.FP32;
          case PRECISION_FP16 -> Precision.FP16;
          case PRECISION_INT8 -> Precision.INT8;
          case PRECISION_UNSPECIFIED, UNRECOGNIZED ->
              throw new IllegalArgumentException("precision: " + wire.getPrecisionValue());
        };
    return new Probe(
        text("kernel", wire.getKernel()),
        precision,
        wire.getMacs(),
        wire.getOutputBytes(),
        wire.getP50Micros());
  }

  private static CpuArch architecture(String wire) {
    return switch (wire.toLowerCase(Locale.ROOT)) {
      case "x86_64", "amd64" -> CpuArch.X86_64;
      case "aarch64", "arm64" -> CpuArch.AARCH64;
      case "armv7", "armv7l", "arm" -> CpuArch.ARMV7;
      default ->
          throw new IllegalArgumentException(
              "architecture: %s (expected: x86_64, aarch64 or armv7)"
                  .formatted(text("architecture", wire)));
    };
  }

  static Report report(DeviceId device, io.stillhouse.proto.device.v1.Report wire) {
    return new Report(
        device,
        new Report.Mark(bootId(wire.getBootId()), wire.getSeq()),
        new Report.Standing(wire.getGeneration(), wire.getAttempt(), phase(wire)),
        new Report.Models(
            digest(wire.getArtifactSha256()),
            digest(wire.getRunningSha256()),
            digest(wire.getCommittedSha256())),
        new Report.Explanation(refusal(wire), wire.getDetail()));
  }

  /** The numbers of a self-test as JSON, if the report has some. */
  static Optional<String> selfTest(io.stillhouse.proto.device.v1.Report wire) {
    if (!wire.hasSelfTest()) {
      return Optional.empty();
    }
    SelfTestResult result = wire.getSelfTest();
    // In this order it is shown.
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("passed", result.getPassed());
    fields.put("maxAbsError", finite(result.getMaxAbsError()));
    fields.put("argmaxAgreement", finite(result.getArgmaxAgreement()));
    fields.put("latencyP50Micros", result.getLatencyP50Micros());
    fields.put("latencyP99Micros", result.getLatencyP99Micros());
    fields.put("memoryBytes", result.getMemoryBytes());
    fields.put(
        "failure", result.getFailure().substring(0, Math.min(result.getFailure().length(), 500)));
    return Optional.of(StoredJson.write(fields));
  }

  /** JSON knows no infinities; -1 cannot be mistaken for a measurement. */
  private static float finite(float value) {
    return Float.isFinite(value) ? value : -1;
  }

  static Heartbeat heartbeat(io.stillhouse.proto.device.v1.Heartbeat wire, Instant now) {
    return new Heartbeat(
        bootId(wire.getBootId()), wire.getGeneration(), digest(wire.getRunningSha256()), now);
  }

  /** What a device runs by its own hello. */
  static Heartbeat heartbeat(io.stillhouse.proto.device.v1.Report wire, Instant now) {
    return new Heartbeat(
        bootId(wire.getBootId()), wire.getGeneration(), digest(wire.getRunningSha256()), now);
  }

  static CoordinatorMessage desired(Wish wish) {
    return CoordinatorMessage.newBuilder()
        .setDesired(
            DesiredState.newBuilder()
                .setGeneration(wish.state().generation())
                .setArtifactSha256(wish.state().artifact().map(Digest::sha256Hex).orElse(""))
                .setRolloutId(wish.state().rollout().map(RolloutId::value).orElse(""))
                .setWave(wish.state().wave())
                .setProbationMillis(wish.probation().toMillis()))
        .build();
  }

  static CoordinatorMessage ack(Report.Mark mark) {
    return CoordinatorMessage.newBuilder()
        .setReportAck(ReportAck.newBuilder().setBootId(mark.bootId()).setSeq(mark.seq()))
        .build();
  }

  static ByteString bytes(byte[] bytes) {
    return ByteString.copyFrom(bytes);
  }

  static Optional<Digest> digest(String hex) {
    return hex.isEmpty() ? Optional.empty() : Optional.of(new Digest(hex));
  }

  private static Phase phase(io.stillhouse.proto.device.v1.Report wire) {
    return switch (wire.getPhase()) {
      // A phase that this coordinator does not know counts as no progress, hence as not healthy.
      case PHASE_IDLE, PHASE_UNSPECIFIED, UNRECOGNIZED -> Phase.IDLE;
      case PHASE_OFFERED -> Phase.OFFERED;
      case PHASE_DOWNLOADING -> Phase.DOWNLOADING;
      case PHASE_VERIFYING -> Phase.VERIFYING;
      case PHASE_STAGED -> Phase.STAGED;
      case PHASE_SELF_TEST -> Phase.SELF_TEST;
      case PHASE_PROBATION -> Phase.PROBATION;
      case PHASE_COMMITTED -> Phase.COMMITTED;
      case PHASE_ROLLING_BACK -> Phase.ROLLING_BACK;
      case PHASE_ROLLED_BACK -> Phase.ROLLED_BACK;
      case PHASE_FAILED -> Phase.FAILED;
      case PHASE_FAILED_RETRYABLE -> Phase.FAILED_RETRYABLE;
      case PHASE_ALREADY_SATISFIED -> Phase.ALREADY_SATISFIED;
      case PHASE_INCOMPATIBLE -> Phase.INCOMPATIBLE;
    };
  }

  private static String refusal(io.stillhouse.proto.device.v1.Report wire) {
    RefusalReason reason = wire.getRefusal();
    if (reason == RefusalReason.UNRECOGNIZED) {
      return "UNKNOWN_" + wire.getRefusalValue();
    }
    return reason == RefusalReason.REFUSAL_REASON_UNSPECIFIED
        ? ""
        : reason.name().substring("REFUSAL_REASON_".length());
  }

  private static String bootId(String wire) {
    if (!wire.matches("[A-Za-z0-9._:-]{1," + BOOT_ID_CHARS_MAX + "}")) {
      throw new IllegalArgumentException(
          "boot_id: %d characters (expected: 1 to %d of letters, digits, . _ : -)"
              .formatted(wire.length(), BOOT_ID_CHARS_MAX));
    }
    return wire;
  }

  private static String text(String field, String wire) {
    limit(field, wire.length(), TEXT_CHARS_MAX);
    return wire;
  }

  private static void limit(String field, int size, int max) {
    if (size > max) {
      throw new IllegalArgumentException(
          "%s: %d (expected: at most %d)".formatted(field, size, max));
    }
  }
}
