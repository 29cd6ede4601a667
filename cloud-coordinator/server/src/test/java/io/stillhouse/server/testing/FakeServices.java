package io.stillhouse.server.testing;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.service.JobService;
import io.stillhouse.server.service.ModelService;
import io.stillhouse.server.service.RolloutService;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The operators' services answering from memory. What exists is device {@code press-7}, model
 * {@code inspect@1}, job {@code 7} and rollout {@code ro-1}; every call that changes something is
 * noted.
 */
public final class FakeServices {
  /** Every changing call, e.g. {@code pause ro-1}. */
  public final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  /** What {@code GET /rollouts/ro-1} answers, one after another; the last one stays. */
  public final List<RolloutService.RolloutView> rolloutStates =
      Collections.synchronizedList(new ArrayList<>(List.of(rollout("RUNNING"))));

  /** What {@code GET /jobs/7} answers, one after another; the last one stays. */
  public final List<JobService.JobView> jobStates =
      Collections.synchronizedList(new ArrayList<>(List.of(job("SUCCEEDED", 1, ""))));

  /** Thrown by every listing of devices, when there is one. */
  public volatile Optional<RuntimeException> defect = Optional.empty();

  public final Devices devices = new Devices();
  public final Models models = new Models();
  public final Jobs jobs = new Jobs();
  public final RolloutsFake rollouts = new RolloutsFake();

  public static JobService.JobView job(String state, double progress, String error) {
    return new JobService.JobView(
        "7", "train", "inspect", 1, state, progress, "train teacher", "epoch 3", 1, error);
  }

  public static RolloutService.RolloutView rollout(String status) {
    return new RolloutService.RolloutView(
        "ro-1",
        "inspect",
        1,
        status,
        0,
        "OPEN",
        "2 of 3 devices to settle",
        status.equals("ROLLED_BACK") ? List.of("accuracy 0.10, before 0.90") : List.of(),
        Optional.of("2026-01-01T01:00:00Z"),
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:01Z",
        List.of(
            new RolloutService.WaveView(
                0,
                3,
                3,
                1,
                1,
                0,
                "PENDING",
                List.of(
                    new RolloutService.GateView(
                        "x86_64-avx2-t1",
                        "PENDING",
                        "30 of 60 labelled answers",
                        100,
                        1,
                        OptionalDouble.of(0.9),
                        OptionalDouble.empty(),
                        OptionalLong.of(500),
                        OptionalLong.empty())))));
  }

  private static CoordinatorException unknown(String what) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND, "cannot find " + what, "there is no such thing", "list them");
  }

  private static <T> T next(List<T> states) {
    return states.size() > 1 ? states.remove(0) : states.get(0);
  }

  /** One device. */
  public final class Devices implements DeviceDirectory {
    private final DeviceView pressSeven =
        new DeviceView(
            "press-7",
            "press-7",
            Map.of("hall", "2"),
            "x86_64-avx2-t1",
            "sim-small",
            "x86_64",
            "ONLINE",
            Optional.of("2026-01-01T00:00:00Z"),
            true,
            false,
            "runs inspect@1",
            Optional.empty(),
            Optional.of(
                new ReportedView(
                    3,
                    "REFUSED",
                    Optional.empty(),
                    Optional.empty(),
                    "NO_SPACE",
                    "7 bytes free (expected: at least 9)",
                    Optional.empty(),
                    "2026-01-01T00:00:00Z")));

    @Override
    public TokenView issueToken(TokenRequest request) {
      calls.add("token " + request.name().orElse("-"));
      return new TokenView("secret." + "0".repeat(64), "2026-01-02T00:00:00Z");
    }

    @Override
    public List<DeviceView> list() {
      defect.ifPresent(
          failure -> {
            throw failure;
          });
      return List.of(pressSeven);
    }

    @Override
    public DeviceDetail show(String device) {
      return new DeviceDetail(
          known(device),
          Map.of("board", "sim-small"),
          List.of(new TimelineEntry("2026-01-01T00:00:00Z", "enrolled", "device", "first")));
    }

    @Override
    public DeviceView label(String device, Map<String, String> labels) {
      calls.add("label " + device + " " + labels);
      return known(device);
    }

    @Override
    public DeviceView revoke(String device) {
      calls.add("revoke " + device);
      return known(device);
    }

    private DeviceView known(String device) {
      if (!device.equals("press-7")) {
        throw unknown("device " + device);
      }
      return pressSeven;
    }
  }

  /** One model. */
  public final class Models implements ModelService {
    @Override
    public VersionAccepted train(TrainRequest request) {
      calls.add("train " + request.name() + " " + request.data() + " " + request.epochs());
      return new VersionAccepted(request.name(), 1, "7");
    }

    @Override
    public List<ModelView> list() {
      return List.of(show("inspect"));
    }

    @Override
    public ModelView show(String model) {
      if (!model.equals("inspect")) {
        throw unknown("model " + model);
      }
      return new ModelView(
          model,
          List.of(
              new VersionView(
                  1,
                  "READY",
                  OptionalLong.empty(),
                  "builtin:fashion-mnist-12k",
                  "resnet8",
                  1,
                  8,
                  7,
                  "2026-01-01T00:00:00Z",
                  1,
                  Optional.of(Map.of("accuracy", 0.91)))));
    }

    @Override
    public JobAccepted tailor(String model, long version, TailorRequest request) {
      show(model);
      calls.add("tailor " + model + "@" + version + " " + request.accuracyDropMax());
      return new JobAccepted("7");
    }

    @Override
    public VersionAccepted rehearseHarm(String model, long version) {
      show(model);
      calls.add("harm " + model + "@" + version);
      return new VersionAccepted(model, version + 1, "7");
    }

    @Override
    public List<VariantView> variants(String model, long version) {
      show(model);
      return List.of(
          new VariantView(
              "x86_64-avx2-t1",
              "a".repeat(64),
              1,
              "ds_student",
              "INT8",
              100_000,
              Map.of("accuracy", 0.89, "latencyP50Micros", 210)));
    }

    @Override
    public List<TailoringView> tailoring(String model, long version) {
      show(model);
      return List.of(
          new TailoringView(
              "x86_64-avx2-t1",
              "2026-01-01T00:00:00Z",
              Optional.of("ds_student-w100"),
              Collections.nCopies(
                  10,
                  new RejectionView("big-w100", 900_000, 5_000_000, 7_000, "file 900000 > 98304")),
              3),
          new TailoringView(
              "aarch64-neon-t1", "2026-01-01T00:00:00Z", Optional.empty(), List.of(), 0));
    }
  }

  /** One job. */
  public final class Jobs implements JobService {
    @Override
    public List<JobView> list() {
      return List.of(jobStates.get(0));
    }

    @Override
    public JobView show(String job) {
      if (!job.equals("7")) {
        throw unknown("job " + job);
      }
      return next(jobStates);
    }

    @Override
    public JobView cancel(String job) {
      calls.add("cancel " + job);
      return show(job);
    }
  }

  /** One rollout. */
  public final class RolloutsFake implements RolloutService {
    @Override
    public RolloutPreview plan(RolloutRequest request) {
      return new RolloutPreview(
          request.model(),
          request.version(),
          List.of(
              new WavePreview(
                  0,
                  30,
                  1,
                  Map.of("x86_64-avx2-t1", 30),
                  Collections.nCopies(
                      25, new TargetPreview("press-7", "x86_64-avx2-t1", "a".repeat(64), false)))),
          30,
          300_000,
          Map.of("NO_VARIANT", 1),
          List.of(new LeftOutPreview("press-9", "NO_VARIANT")));
    }

    @Override
    public RolloutView start(RolloutRequest request) {
      calls.add("start " + request);
      return rolloutStates.get(0);
    }

    @Override
    public List<RolloutView> list() {
      return List.of(rolloutStates.get(0));
    }

    @Override
    public RolloutView show(String rollout) {
      if (!rollout.equals("ro-1")) {
        throw unknown("rollout " + rollout);
      }
      return next(rolloutStates);
    }

    @Override
    public RolloutView pause(String rollout) {
      calls.add("pause " + rollout);
      return show(rollout);
    }

    @Override
    public RolloutView resume(String rollout) {
      calls.add("resume " + rollout);
      return show(rollout);
    }

    @Override
    public RolloutView abort(String rollout) {
      calls.add("abort " + rollout);
      return show(rollout);
    }

    @Override
    public List<QuarantineView> quarantine() {
      return List.of(
          new QuarantineView(
              "b".repeat(64), "x86_64-avx2-t1", "ro-1", "harm", "2026-01-01T00:00:00Z"));
    }

    @Override
    public List<AuditView> audit(int limit) {
      return List.of(
          new AuditView(
              limit, "2026-01-01T00:00:00Z", "operator", "rollout.started", "rollout/ro-1", "x"));
    }
  }
}
