package io.stillhouse.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.service.RolloutService.RolloutPreview;
import io.stillhouse.server.service.RolloutService.RolloutRequest;
import io.stillhouse.server.service.RolloutService.RolloutView;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Rollouts: plan, start, watch, steer. */
@Command(
    name = "rollout",
    mixinStandardHelpOptions = true,
    description = "Rollouts: plan, start, watch, pause, resume, abort, list, show.")
final class RolloutCommands extends Cli.Group {
  private static final Set<String> GOOD_ENDS = Set.of("SUCCEEDED", "SUCCEEDED_WITH_TAIL");
  private static final Set<String> BAD_ENDS =
      Set.of("ROLLED_BACK", "ROLLBACK_INCOMPLETE", "SUPERSEDED", "CANCELLED");

  private final Surroundings around;

  RolloutCommands(Surroundings around) {
    this.around = around;
  }

  /** What to roll out, and how carefully. */
  static final class Plan {
    @Parameters(
        paramLabel = "NAME@VERSION",
        converter = ModelReference.Converter.class,
        description = "A tailored version.")
    private ModelReference version = new ModelReference("", 0);

    @Option(
        names = "--waves",
        split = ",",
        paramLabel = "PERCENT",
        description = "Share of the devices after each wave, e.g. 10,50,100.")
    private List<Integer> waves = List.of();

    @Option(
        names = "--soak",
        paramLabel = "SECONDS",
        description = "How long a wave is watched before its gate judges.")
    private Optional<Long> soakSeconds = Optional.empty();

    @Option(
        names = "--probation",
        paramLabel = "SECONDS",
        description = "How long a device runs a new model before it commits.")
    private Optional<Long> probationSeconds = Optional.empty();

    @Mixin private final GateOptions gate = new GateOptions();

    RolloutRequest request() {
      return new RolloutRequest(
          version.model(),
          version.version(),
          waves.isEmpty() ? Optional.empty() : Optional.of(List.copyOf(waves)),
          seconds(soakSeconds),
          seconds(probationSeconds),
          gate.request());
    }

    private static OptionalLong seconds(Optional<Long> given) {
      return given.map(OptionalLong::of).orElseGet(OptionalLong::empty);
    }
  }

  @Command(
      name = "plan",
      mixinStandardHelpOptions = true,
      description = "Say who would get what, and who cannot; changes nothing.")
  void plan(@Mixin CoordinatorOption coordinator, @Mixin JsonOption json, @Mixin Plan plan) {
    JsonNode answer = coordinator.client(around).post("/rollouts/plan", plan.request());
    RolloutPreview preview = CoordinatorClient.as(answer, RolloutPreview.class);
    json.print(
        around.out(),
        answer,
        () -> {
          RolloutText.print(around.out(), preview);
          around
              .out()
              .println(
                  "%s@%d would reach %d devices with %d bytes; left out: %s"
                      .formatted(
                          preview.model(),
                          preview.version(),
                          preview.devices(),
                          preview.bytes(),
                          preview.excluded().isEmpty()
                              ? "nobody"
                              : RolloutText.counts(preview.excluded())));
        });
  }

  @Command(
      name = "start",
      mixinStandardHelpOptions = true,
      description = "Start a rollout; it goes on by itself.")
  void start(@Mixin CoordinatorOption coordinator, @Mixin JsonOption json, @Mixin Plan plan) {
    JsonNode answer = coordinator.client(around).post("/rollouts", plan.request());
    String id = answer.path("id").asText();
    json.print(
        around.out(),
        answer,
        () -> around.out().println(id + " is started; next: stillhouse rollout watch " + id));
  }

  /** The watch command, which needs an exit code of its own. */
  Watch watch() {
    return new Watch(around);
  }

  /** Follows a rollout; the exit code says how it ended. */
  @Command(
      name = "watch",
      mixinStandardHelpOptions = true,
      description = {
        "Follow a rollout to its end.",
        "Ends with 0 when it succeeded and with 1 when it ended otherwise."
      })
  static final class Watch implements Callable<Integer> {
    private final Surroundings around;

    @Mixin private final CoordinatorOption coordinator = new CoordinatorOption();
    @Mixin private final JsonOption json = new JsonOption();

    @Parameters(paramLabel = "ROLLOUT", description = "Its id.")
    private String rollout = "";

    private Watch(Surroundings around) {
      this.around = around;
    }

    @Override
    public Integer call() {
      CoordinatorClient client = coordinator.client(around);
      Polling polling = new Polling(around);
      String told = "";
      while (true) {
        JsonNode answer = client.get("/rollouts/" + CoordinatorClient.part(rollout));
        RolloutView view = CoordinatorClient.as(answer, RolloutView.class);
        String line = RolloutText.line(view);
        if (!line.equals(told)) {
          told = line;
          around.err().println(line);
          around.err().flush();
        }
        boolean good = GOOD_ENDS.contains(view.status());
        if (good || BAD_ENDS.contains(view.status())) {
          json.print(around.out(), answer, () -> RolloutText.print(around.out(), view));
          return good ? 0 : 1;
        }
        polling.pause();
      }
    }
  }

  @Command(name = "pause", mixinStandardHelpOptions = true, description = "Pause a rollout.")
  void pause(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "ROLLOUT", description = "Its id.") String rollout) {
    steer(coordinator, json, rollout, "pause");
  }

  @Command(name = "resume", mixinStandardHelpOptions = true, description = "Resume a rollout.")
  void resume(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "ROLLOUT", description = "Its id.") String rollout) {
    steer(coordinator, json, rollout, "resume");
  }

  @Command(
      name = "abort",
      mixinStandardHelpOptions = true,
      description = "Abort a rollout; its devices return to what they ran before.")
  void abort(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "ROLLOUT", description = "Its id.") String rollout) {
    steer(coordinator, json, rollout, "abort");
  }

  private void steer(CoordinatorOption coordinator, JsonOption json, String rollout, String how) {
    JsonNode answer =
        coordinator
            .client(around)
            .post("/rollouts/" + CoordinatorClient.part(rollout) + "/" + how, Map.of());
    RolloutView view = CoordinatorClient.as(answer, RolloutView.class);
    json.print(around.out(), answer, () -> around.out().println(RolloutText.line(view)));
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "List the latest rollouts.")
  void list(@Mixin CoordinatorOption coordinator, @Mixin JsonOption json) {
    JsonNode answer = coordinator.client(around).get("/rollouts");
    json.print(
        around.out(),
        answer,
        () -> {
          Table table = new Table("ROLLOUT", "MODEL", "STATUS", "WAVE", "WAITING FOR");
          for (JsonNode node : answer.path("rollouts")) {
            RolloutView r = CoordinatorClient.as(node, RolloutView.class);
            table.row(
                r.id(),
                r.model() + "@" + r.version(),
                r.status(),
                r.waveIndex() + 1,
                r.waitingFor());
          }
          table.print(around.out());
        });
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Show one rollout: waves, gate evidence, what it waits for.")
  void show(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "ROLLOUT", description = "Its id.") String rollout) {
    JsonNode answer =
        coordinator.client(around).get("/rollouts/" + CoordinatorClient.part(rollout));
    RolloutView view = CoordinatorClient.as(answer, RolloutView.class);
    json.print(
        around.out(),
        answer,
        () -> {
          around.out().println(RolloutText.line(view));
          RolloutText.print(around.out(), view);
        });
  }
}
