package io.stillhouse.agent.link;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stillhouse.agent.hardware.DeviceLimits;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.proto.device.v1.DesiredState;
import io.stillhouse.proto.device.v1.HardwareProfile;
import io.stillhouse.proto.device.v1.Phase;
import io.stillhouse.proto.device.v1.Probe;
import io.stillhouse.proto.device.v1.RefusalReason;
import io.stillhouse.proto.device.v1.Report;
import io.stillhouse.proto.device.v1.SelfTestResult;
import io.stillhouse.proto.model.v1.Precision;
import java.time.Duration;
import java.util.Optional;

/** Between wire messages and the agent's types: the one place where both are seen. */
final class LinkMapper {
  /** Longest probation that a coordinator may ask for. */
  private static final long PROBATION_MILLIS_MAX = Duration.ofDays(1).toMillis();

  private LinkMapper() {}

  static HardwareProfile profile(DeviceProfile profile) {
    DeviceLimits limits = profile.limits();
    HardwareProfile.Builder wire =
        HardwareProfile.newBuilder()
            .setBoard(profile.board().model())
            .setArchitecture(profile.board().architecture())
            .addAllIsaFeatures(profile.board().isaFeatures())
            .setCores(profile.board().cores())
            .setInferenceThreads(limits.inferenceThreads())
            .setMemoryBytes(profile.capacity().memoryBytes())
            .setStorageFreeBytes(profile.capacity().storageFreeBytes())
            .addAllAccelerators(profile.capacity().accelerators())
            .setModelMemoryBytesMax(limits.model().memoryBytesMax())
            .setModelFileBytesMax(limits.model().fileBytesMax())
            .setLatencyP99MicrosMax(limits.model().latencyP99MicrosMax())
            .setLimitsSimulated(limits.simulated())
            .setRuntimeVersion(profile.runtime());
    for (DeviceProfile.ProbeResult probe : profile.probes()) {
      wire.addProbes(
          Probe.newBuilder()
              .setKernel(probe.layer().kernel())
              .setPrecision(Precision.valueOf("PRECISION_" + probe.precision().name()))
              .setMacs(probe.layer().macs())
              .setOutputBytes(probe.layer().outputBytes())
              .setP50Micros(probe.p50Micros())
              .setShape(probe.layer().shape()));
    }
    return wire.build();
  }

  /** What stands on record, as a report without its place in the sequence and without times. */
  static Report.Builder report(UpdateState state, Optional<Digest> running) {
    Report.Builder wire =
        Report.newBuilder()
            .setGeneration(state.desired().generation())
            .setAttempt(state.progress().attempt())
            .setPhase(Phase.valueOf("PHASE_" + state.phase().name()))
            .setRunningSha256(hex(running))
            .setCommittedSha256(hex(state.models().committed().map(Installed::digest)))
            .setArtifactSha256(hex(state.desired().artifact()));
    state
        .evidence()
        .refusal()
        .ifPresent(
            refusal ->
                wire.setRefusal(RefusalReason.valueOf("REFUSAL_REASON_" + refusal.reason().name()))
                    .setDetail(refusal.detail()));
    state.evidence().selfTest().ifPresent(figures -> wire.setSelfTest(selfTest(figures)));
    return wire;
  }

  private static SelfTestResult selfTest(TestFigures figures) {
    return SelfTestResult.newBuilder()
        .setPassed(figures.passed())
        .setMaxAbsError((float) figures.maxAbsError())
        .setArgmaxAgreement((float) figures.argmaxAgreement())
        .setLatencyP50Micros(figures.latencyMicros().p50())
        .setLatencyP99Micros(figures.latencyMicros().p99())
        .setMemoryBytes(figures.memoryBytes())
        .setFailure(figures.failure())
        .build();
  }

  /**
   * What is wanted.
   *
   * @throws IllegalArgumentException when the message makes no sense
   */
  static Desired desired(DesiredState wire) {
    return new Desired(
        wire.getGeneration(),
        wire.getArtifactSha256().isEmpty()
            ? Optional.empty()
            : Optional.of(new Digest(wire.getArtifactSha256())),
        wire.getRolloutId(),
        wire.getWave(),
        Duration.ofMillis(Math.min(wire.getProbationMillis(), PROBATION_MILLIS_MAX)));
  }

  static String hex(Optional<Digest> digest) {
    return digest.map(Digest::sha256Hex).orElse("");
  }

  /** The reason of a failed call in one line, from the deepest cause that says something. */
  static String reason(StatusRuntimeException e) {
    Status status = e.getStatus();
    Throwable deepest = status.getCause();
    while (deepest != null && deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    String said = deepest == null ? status.getDescription() : deepest.getMessage();
    String line = said == null ? status.getCode().name() : said;
    return line.replaceAll("\\p{Cntrl}+", " ").strip();
  }
}
