package io.stillhouse.server.operator;

import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.service.ModelService;
import io.stillhouse.server.service.RolloutService;
import io.stillhouse.server.service.RolloutService.RolloutRequest;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.telemetry.HealthCounts;
import io.stillhouse.server.telemetry.TelemetryLoss;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Every operation of the API and nothing else: the same table makes the HTTP routes and is compared
 * with the OpenAPI document by a test.
 */
final class OperatorApi {
  static final String BASE = "/api/v1";

  /** Lines of the audit trail that are returned unless the caller asks for another number. */
  private static final int AUDIT_LINES = 100;

  private OperatorApi() {}

  static List<Route> routes(OperatorServices services) {
    DeviceDirectory devices = services.devices();
    ModelService models = services.models();
    RolloutService rollouts = services.rollouts();
    return List.of(
        new Route(
            "POST",
            "/device-tokens",
            r -> devices.issueToken(r.body(DeviceDirectory.TokenRequest.class))),
        new Route("GET", "/devices", r -> Map.of("devices", devices.list())),
        new Route("GET", "/devices/{device}", r -> devices.show(r.text("device"))),
        new Route(
            "PUT",
            "/devices/{device}/labels",
            r -> devices.label(r.text("device"), r.body(Labels.class).labels())),
        new Route("POST", "/devices/{device}/revoke", r -> devices.revoke(r.text("device"))),
        new Route("POST", "/models", r -> models.train(r.body(ModelService.TrainRequest.class))),
        new Route("GET", "/models", r -> Map.of("models", models.list())),
        new Route("GET", "/models/{model}", r -> models.show(r.text("model"))),
        new Route(
            "POST",
            "/models/{model}/versions/{version}/tailor",
            r ->
                models.tailor(
                    r.text("model"),
                    r.version("version"),
                    r.body(ModelService.TailorRequest.class))),
        new Route(
            "POST",
            "/models/{model}/versions/{version}/rehearse-harm",
            r -> {
              r.body(Nothing.class);
              return models.rehearseHarm(r.text("model"), r.version("version"));
            }),
        new Route(
            "GET",
            "/models/{model}/versions/{version}/variants",
            r ->
                Map.of(
                    "variants", models.variants(r.text("model"), r.version("version")),
                    "tailoring", models.tailoring(r.text("model"), r.version("version")))),
        new Route("GET", "/jobs", r -> Map.of("jobs", services.lab().jobs().list())),
        new Route("GET", "/jobs/{job}", r -> services.lab().jobs().show(r.text("job"))),
        new Route("POST", "/jobs/{job}/cancel", r -> services.lab().jobs().cancel(r.text("job"))),
        new Route("POST", "/rollouts/plan", r -> rollouts.plan(r.body(RolloutRequest.class))),
        new Route("POST", "/rollouts", r -> rollouts.start(r.body(RolloutRequest.class))),
        new Route("GET", "/rollouts", r -> Map.of("rollouts", rollouts.list())),
        new Route("GET", "/rollouts/{rollout}", r -> rollouts.show(r.text("rollout"))),
        new Route("POST", "/rollouts/{rollout}/pause", r -> rollouts.pause(r.text("rollout"))),
        new Route("POST", "/rollouts/{rollout}/resume", r -> rollouts.resume(r.text("rollout"))),
        new Route("POST", "/rollouts/{rollout}/abort", r -> rollouts.abort(r.text("rollout"))),
        new Route("GET", "/quarantine", r -> Map.of("quarantine", rollouts.quarantine())),
        new Route("GET", "/telemetry", r -> telemetry(services.health())),
        new Route("GET", "/fleet-health", r -> fleetHealth(services.health())),
        new Route(
            "GET",
            "/audit",
            r ->
                Map.of(
                    "audit", rollouts.audit(r.number("limit", AUDIT_LINES, Audit.ENTRIES_MAX)))));
  }

  /** The body of {@code PUT labels}: either {@code {"labels": {...}}} or the labels themselves. */
  record Labels(Map<String, String> labels) {
    @com.fasterxml.jackson.annotation.JsonCreator
    static Labels of(Map<String, Object> body) {
      Object inner = body.get("labels");
      Map<?, ?> given = inner instanceof Map<?, ?> map && body.size() == 1 ? map : body;
      Map<String, String> labels = new TreeMap<>();
      given.forEach(
          (key, value) -> {
            if (!(value instanceof String text)) {
              throw new IllegalArgumentException(
                  "label " + key + ": " + value + " (expected: a text)");
            }
            labels.put(String.valueOf(key), text);
          });
      return new Labels(labels);
    }
  }

  /** The body of an operation that takes none. */
  record Nothing() {}

  /** Telemetry records of the fleet, and by device. */
  record TelemetryView(
      long sent,
      long received,
      long lost,
      long duplicates,
      long dropped,
      List<DeviceTelemetry> devices) {}

  record DeviceTelemetry(
      String device,
      long sent,
      long received,
      long lost,
      long duplicates,
      long dropped,
      String lastHeard) {}

  private static TelemetryView telemetry(FleetHealth health) {
    List<FleetHealth.DeviceLoss> accounts = health.devices();
    TelemetryLoss sum = TelemetryLoss.NONE;
    for (FleetHealth.DeviceLoss account : accounts) {
      sum = sum.plus(account.loss());
    }
    return new TelemetryView(
        sum.sent(),
        sum.received(),
        sum.lost(),
        sum.duplicates(),
        sum.dropped(),
        accounts.stream()
            .map(
                a ->
                    new DeviceTelemetry(
                        a.device(),
                        a.loss().sent(),
                        a.loss().received(),
                        a.loss().lost(),
                        a.loss().duplicates(),
                        a.loss().dropped(),
                        Instant.ofEpochMilli(a.heardEpochMillis()).toString()))
            .toList());
  }

  /** Live measurements of one artifact on one class in one wave; shares are 0..1. */
  record HealthView(
      String rollout,
      int wave,
      String hardwareClass,
      String digest,
      long inferences,
      long errors,
      OptionalLong latencyP50Micros,
      OptionalLong latencyP99Micros,
      long feedbackCount,
      long feedbackCorrect,
      OptionalDouble accuracy,
      OptionalDouble meanConfidence,
      long devices,
      String latestWindow) {}

  private static Map<String, List<HealthView>> fleetHealth(FleetHealth health) {
    return Map.of("health", health.rows().stream().map(OperatorApi::view).toList());
  }

  private static HealthView view(FleetHealth.Row row) {
    HealthCounts counts = row.counts();
    return new HealthView(
        row.key().rollout(),
        row.key().wave(),
        row.key().hardwareClass(),
        row.key().digest(),
        counts.inferences(),
        counts.errors(),
        counts.latencyP50Micros(),
        counts.latencyP99Micros(),
        counts.feedbackCount(),
        counts.feedbackCorrect(),
        counts.accuracy(),
        counts.meanConfidence(),
        row.devices(),
        Instant.ofEpochMilli(row.latestEpochMillis()).toString());
  }
}
