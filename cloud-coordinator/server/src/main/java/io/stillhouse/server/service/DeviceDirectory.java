package io.stillhouse.server.service;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The devices on record. Methods block and throw {@link
 * io.stillhouse.server.failure.CoordinatorException}; implementations are thread-safe.
 */
public interface DeviceDirectory {
  /** Makes a one-time enrolment token. */
  TokenView issueToken(TokenRequest request);

  /** Every device, by name. */
  List<DeviceView> list();

  /** One device by id or name, with its latest {@code timeline} events. */
  DeviceDetail show(String device);

  /** Replaces a device's labels. */
  DeviceView label(String device, Map<String, String> labels);

  /** Ends a device's session and refuses it for ever; idempotent. */
  DeviceView revoke(String device);

  /**
   * What to enrol.
   *
   * @param name wished name of the device
   */
  record TokenRequest(Optional<String> name, Optional<Map<String, String>> labels) {}

  /**
   * A one-time token; it is shown once and kept only as a hash.
   *
   * @param expiresAt ISO-8601, UTC
   */
  record TokenView(String token, String expiresAt) {}

  /**
   * A device as lists show it.
   *
   * @param liveness {@code ONLINE}, {@code STALE}, {@code LOST} or {@code NEVER_SEEN}
   * @param state one line of where the device stands
   */
  record DeviceView(
      String id,
      String name,
      Map<String, String> labels,
      String hardwareClass,
      String board,
      String architecture,
      String liveness,
      Optional<String> lastSeen,
      boolean connected,
      boolean revoked,
      String state,
      Optional<DesiredView> desired,
      Optional<ReportedView> reported) {
    /** The same device with the numbers of its last self-test, which lists leave out. */
    public DeviceView withSelfTest(Optional<Object> selfTest) {
      return new DeviceView(
          id,
          name,
          labels,
          hardwareClass,
          board,
          architecture,
          liveness,
          lastSeen,
          connected,
          revoked,
          state,
          desired,
          reported.map(r -> r.withSelfTest(selfTest)));
    }
  }

  /** What the coordinator wants of a device; no artifact means "no model of ours". */
  record DesiredView(
      long generation,
      Optional<String> artifact,
      Optional<String> model,
      Optional<String> rollout) {}

  /** What a device last said. */
  record ReportedView(
      long generation,
      String phase,
      Optional<String> running,
      Optional<String> committed,
      String refusal,
      String detail,
      Optional<Object> selfTest,
      String at) {
    ReportedView withSelfTest(Optional<Object> numbers) {
      return new ReportedView(generation, phase, running, committed, refusal, detail, numbers, at);
    }
  }

  /**
   * A device with its profile and its latest events, newest first.
   *
   * @param profile the hardware profile as JSON
   */
  record DeviceDetail(DeviceView device, Object profile, List<TimelineEntry> timeline) {}

  /** Something that happened to a device. */
  record TimelineEntry(String at, String kind, String actor, String detail) {}
}
