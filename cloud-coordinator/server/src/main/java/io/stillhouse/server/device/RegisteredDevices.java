package io.stillhouse.server.device;

import io.grpc.Status;
import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.device.LivenessRule;
import io.stillhouse.model.Digest;
import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.DeviceTable.Enrolled;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.StoredJson;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The operator's view of the devices, read from storage and from the sessions of this process. */
public final class RegisteredDevices implements DeviceDirectory {
  private static final int TIMELINE_MAX = 100;

  private final Enrolment enrolment;
  private final Sources sources;
  private final Sessions sessions;
  private final LivenessRule liveness;
  private final InstantSource clock;

  /** Where devices, their states, their artifacts' names and their history are kept. */
  public record Sources(
      DeviceTable devices, DeviceStates states, ModelCatalogue models, Audit audit) {}

  /**
   * A view for one coordinator.
   *
   * @param heartbeatInterval after three silent ones a device is stale, after ten it is lost
   */
  public RegisteredDevices(
      Enrolment enrolment,
      Sources sources,
      Sessions sessions,
      Duration heartbeatInterval,
      InstantSource clock) {
    this.enrolment = enrolment;
    this.sources = sources;
    this.sessions = sessions;
    this.liveness =
        new LivenessRule(heartbeatInterval.multipliedBy(3), heartbeatInterval.multipliedBy(10));
    this.clock = clock;
  }

  @Override
  public TokenView issueToken(TokenRequest request) {
    return enrolment.issue(request);
  }

  @Override
  public List<DeviceView> list() {
    Moment moment =
        new Moment(
            sources.states().allDesired(),
            sources.states().allReported(),
            sources.states().heartbeats(),
            sessions.connected(),
            clock.instant());
    Map<Digest, Optional<String>> names = new HashMap<>();
    return sources.devices().all().stream().map(d -> view(d, moment, names)).toList();
  }

  @Override
  public DeviceDetail show(String device) {
    Enrolled known = known(device);
    DeviceId id = known.device().id();
    Moment moment =
        new Moment(
            entry(id, sources.states().desired(id)),
            entry(id, sources.states().reported(id)),
            sources.states().heartbeats(),
            sessions.connected(),
            clock.instant());
    DeviceView view =
        view(known, moment, new HashMap<>())
            .withSelfTest(
                sources.states().selfTest(id).map(json -> (Object) StoredJson.tree(json)));
    List<TimelineEntry> timeline =
        sources.audit().of("device/" + known.device().id(), TIMELINE_MAX).stream()
            .map(e -> new TimelineEntry(e.at(), e.kind(), e.actor(), e.detail()))
            .toList();
    return new DeviceDetail(view, StoredJson.tree(StoredJson.write(known.profile())), timeline);
  }

  @Override
  public DeviceView label(String device, Map<String, String> labels) {
    DeviceId id = known(device).device().id();
    sources.devices().label(id, Labels.checked(labels));
    return show(id.value()).device();
  }

  @Override
  public DeviceView revoke(String device) {
    DeviceId id = known(device).device().id();
    sources.devices().revoke(id);
    sessions.end(id, Status.PERMISSION_DENIED.withDescription("an operator revoked this device"));
    return show(id.value()).device();
  }

  private static <T> Map<DeviceId, T> entry(DeviceId id, Optional<T> value) {
    return value.map(v -> Map.of(id, v)).orElse(Map.of());
  }

  private Enrolled known(String device) {
    try {
      return sources
          .devices()
          .find(new DeviceId(device))
          .orElseThrow(() -> DeviceTable.unknown(device));
    } catch (IllegalArgumentException e) {
      throw DeviceTable.unknown(device);
    }
  }

  /** What is known of all devices at one moment. */
  private record Moment(
      Map<DeviceId, DesiredState> desired,
      Map<DeviceId, ReportedState> reported,
      Map<DeviceId, Heartbeat> heartbeats,
      Set<DeviceId> connected,
      Instant now) {}

  private DeviceView view(Enrolled known, Moment moment, Map<Digest, Optional<String>> modelNames) {
    DeviceId id = known.device().id();
    Optional<DesiredState> desired = Optional.ofNullable(moment.desired().get(id));
    Optional<ReportedState> reported = Optional.ofNullable(moment.reported().get(id));
    Optional<Heartbeat> heartbeat = Optional.ofNullable(moment.heartbeats().get(id));
    Optional<Instant> lastSeen = heartbeat.map(Heartbeat::at);
    Optional<DesiredView> wanted =
        desired.map(
            d ->
                new DesiredView(
                    d.generation(),
                    d.artifact().map(Digest::sha256Hex),
                    d.artifact().flatMap(a -> modelNames.computeIfAbsent(a, this::modelName)),
                    d.rollout().map(RolloutId::value)));
    return new DeviceView(
        id.value(),
        known.device().name(),
        new TreeMap<>(known.labels()),
        known.device().hardwareClass().name(),
        known.profile().board().model(),
        known.profile().board().arch().name().toLowerCase(Locale.ROOT),
        liveness.of(lastSeen, moment.now()).name(),
        lastSeen.map(Instant::toString),
        moment.connected().contains(id),
        known.device().revoked(),
        state(known, desired, reported, heartbeat),
        wanted,
        reported.map(RegisteredDevices::view));
  }

  private static ReportedView view(ReportedState reported) {
    return new ReportedView(
        reported.observedGeneration(),
        reported.phase().name(),
        reported.models().running().map(Digest::sha256Hex),
        reported.models().committed().map(Digest::sha256Hex),
        reported.explanation().refusal(),
        reported.explanation().detail(),
        Optional.empty(),
        reported.since().toString());
  }

  private Optional<String> modelName(Digest artifact) {
    return sources.models().variant(artifact).map(variant -> variant.key().toString());
  }

  private static String state(
      Enrolled known,
      Optional<DesiredState> desired,
      Optional<ReportedState> reported,
      Optional<Heartbeat> heartbeat) {
    if (known.device().revoked()) {
      return "revoked";
    }
    if (desired.isEmpty()) {
      return "waits for its first rollout";
    }
    if (heartbeat.isPresent() && heartbeat.get().running().equals(desired.get().artifact())) {
      return "runs what is wanted";
    }
    long wanted = desired.get().generation();
    if (reported.isEmpty() || reported.get().observedGeneration() < wanted) {
      return "has not acknowledged generation " + wanted;
    }
    return reported.get().phase()
        + (reported.get().explanation().detail().isEmpty()
            ? ""
            : ": " + reported.get().explanation().detail());
  }
}
