package io.stillhouse.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.server.service.ModelService.ModelView;
import io.stillhouse.server.service.ModelService.TailorRequest;
import io.stillhouse.server.service.ModelService.TailoringView;
import io.stillhouse.server.service.ModelService.TrainRequest;
import io.stillhouse.server.service.ModelService.VariantView;
import io.stillhouse.server.service.ModelService.VersionView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Models: teach, tailor, look. */
@Command(
    name = "model",
    mixinStandardHelpOptions = true,
    description = "Models: train, list, show, tailor, variants, rehearse-harm.")
final class ModelCommands extends Cli.Group {
  private static final int DIGEST_CHARACTERS = 12;

  private final Surroundings around;

  ModelCommands(Surroundings around) {
    this.around = around;
  }

  /** Whether a command waits for the job that it starts. */
  static final class WaitOption {
    @Option(
        names = "--no-wait",
        description = "Return at once; the job goes on at the coordinator.")
    private boolean noWait;
  }

  /** What to train. */
  static final class Teacher {
    @Option(names = "--name", paramLabel = "NAME", required = true, description = "The model.")
    private String name = "";

    @Option(
        names = "--data",
        paramLabel = "SPEC",
        required = true,
        description =
            "builtin:fashion-mnist-12k, images:DIR, idx:DIR or cifar:DIR, as the coordinator"
                + " sees it.")
    private String data = "";

    @Option(names = "--network", paramLabel = "NAME", description = "Network of the teacher.")
    private Optional<String> network = Optional.empty();

    @Option(names = "--width", paramLabel = "X", description = "Multiple of the channels.")
    private Optional<Double> width = Optional.empty();

    @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data.")
    private Optional<Integer> epochs = Optional.empty();

    @Option(names = "--seed", paramLabel = "S", description = "Seed of everything random.")
    private Optional<Long> seed = Optional.empty();

    TrainRequest request() {
      return new TrainRequest(
          name,
          absolute(data),
          network,
          width.map(OptionalDouble::of).orElseGet(OptionalDouble::empty),
          epochs.map(OptionalInt::of).orElseGet(OptionalInt::empty),
          seed.map(OptionalLong::of).orElseGet(OptionalLong::empty));
    }

    /** A path is meant from where the command was typed, and the coordinator stands elsewhere. */
    private static String absolute(String spec) {
      DataSpec parsed = DataSpec.parse(spec);
      return parsed.kind() == DataSpec.Kind.BUILTIN
          ? spec
          : new DataSpec(
                  parsed.kind(), Path.of(parsed.place()).toAbsolutePath().normalize().toString())
              .toString();
    }
  }

  @Command(
      name = "train",
      mixinStandardHelpOptions = true,
      description = "Add a version of a model: its teacher is trained at the coordinator.")
  void train(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Mixin WaitOption wait,
      @Mixin Teacher teacher) {
    TrainRequest request = teacher.request();
    CoordinatorClient client = coordinator.client(around);
    JsonNode answer = client.post("/models", request);
    follow(client, answer, wait);
    String version = answer.path("model").asText() + "@" + answer.path("version").asLong();
    json.print(
        around.out(),
        answer,
        () ->
            around
                .out()
                .println(
                    wait.noWait
                        ? version + " is being trained, job " + answer.path("jobId").asText()
                        : version + " is trained; next: stillhouse model tailor " + version));
  }

  @Command(name = "list", mixinStandardHelpOptions = true, description = "List the models.")
  void list(@Mixin CoordinatorOption coordinator, @Mixin JsonOption json) {
    JsonNode answer = coordinator.client(around).get("/models");
    json.print(
        around.out(),
        answer,
        () -> {
          Table table = versionsTable();
          answer
              .path("models")
              .forEach(model -> rows(table, CoordinatorClient.as(model, ModelView.class)));
          table.print(around.out());
        });
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Show one model with its versions.")
  void show(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "NAME", description = "The model.") String name) {
    JsonNode answer = coordinator.client(around).get("/models/" + CoordinatorClient.part(name));
    json.print(
        around.out(),
        answer,
        () -> {
          Table table = versionsTable();
          rows(table, CoordinatorClient.as(answer, ModelView.class));
          table.print(around.out());
        });
  }

  private static Table versionsTable() {
    return new Table("MODEL", "STATE", "NETWORK", "DATA", "ACCURACY", "VARIANTS", "NOTE");
  }

  private static void rows(Table table, ModelView model) {
    for (VersionView v : model.versions()) {
      String accuracy =
          v.report()
              .filter(report -> report instanceof Map<?, ?>)
              .map(report -> percent(((Map<?, ?>) report).get("accuracy")))
              .orElse("");
      table.row(
          model.name() + "@" + v.version(),
          v.state(),
          v.network() + (v.width() == 1 ? "" : " x" + v.width()),
          v.data(),
          accuracy,
          v.variants(),
          v.rehearsalOf().isPresent() ? "rehearsal of " + v.rehearsalOf().getAsLong() : "");
    }
  }

  @Command(
      name = "tailor",
      mixinStandardHelpOptions = true,
      description = "Make a student of a version for each hardware class of the fleet.")
  void tailor(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Mixin WaitOption wait,
      @Parameters(
              paramLabel = "NAME@VERSION",
              converter = ModelReference.Converter.class,
              description = "A trained version.")
          ModelReference version,
      @Option(
              names = "--accuracy-drop-max",
              paramLabel = "X",
              description = "Largest loss against the teacher, 0.02 = two points.")
          Optional<Double> accuracyDropMax,
      @Option(
              names = "--class",
              paramLabel = "CLASS",
              description = "A hardware class; repeatable. Default: every class that is enrolled.")
          @Nullable List<String> classes) {
    CoordinatorClient client = coordinator.client(around);
    TailorRequest request =
        new TailorRequest(
            accuracyDropMax.map(OptionalDouble::of).orElseGet(OptionalDouble::empty),
            Optional.ofNullable(classes).filter(given -> !given.isEmpty()));
    JsonNode answer = client.post(version.path() + "/tailor", request);
    follow(client, answer, wait);
    if (wait.noWait) {
      json.print(
          around.out(), answer, () -> around.out().println("job " + answer.path("jobId").asText()));
    } else {
      showVariants(client, version, json);
    }
  }

  @Command(
      name = "variants",
      mixinStandardHelpOptions = true,
      description =
          "List the students of a version, and what was rejected for each hardware class.")
  void variants(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(
              paramLabel = "NAME@VERSION",
              converter = ModelReference.Converter.class,
              description = "A tailored version.")
          ModelReference version) {
    showVariants(coordinator.client(around), version, json);
  }

  @Command(
      name = "rehearse-harm",
      mixinStandardHelpOptions = true,
      description = "Add a version that answers wrongly on purpose, to see the gates stop it.")
  void rehearseHarm(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Mixin WaitOption wait,
      @Parameters(
              paramLabel = "NAME@VERSION",
              converter = ModelReference.Converter.class,
              description = "A tailored version.")
          ModelReference version) {
    CoordinatorClient client = coordinator.client(around);
    JsonNode answer = client.post(version.path() + "/rehearse-harm", Map.of());
    follow(client, answer, wait);
    json.print(
        around.out(),
        answer,
        () ->
            around
                .out()
                .println(
                    version.model()
                        + "@"
                        + answer.path("version").asLong()
                        + " is a rehearsal of harm; roll it out in a test fleet only"));
  }

  private void showVariants(CoordinatorClient client, ModelReference version, JsonOption json) {
    JsonNode answer = client.get(version.path() + "/variants");
    json.print(
        around.out(),
        answer,
        () -> {
          Table table =
              new Table("CLASS", "STUDENT", "PRECISION", "ACCURACY", "BYTES", "P50 us", "DIGEST");
          for (JsonNode node : answer.path("variants")) {
            VariantView v = CoordinatorClient.as(node, VariantView.class);
            JsonNode measured = node.path("evaluation");
            table.row(
                v.hardwareClass(),
                v.network(),
                v.precision(),
                percent(measured.path("accuracy").numberValue()),
                v.fileBytes(),
                measured.path("latencyP50Micros").asText(),
                v.digest().substring(0, Math.min(DIGEST_CHARACTERS, v.digest().length())));
          }
          table.print(around.out());
          List<TailoringView> decisions = new ArrayList<>();
          answer
              .path("tailoring")
              .forEach(node -> decisions.add(CoordinatorClient.as(node, TailoringView.class)));
          TailoringText.print(around.out(), decisions);
        });
  }

  private void follow(CoordinatorClient client, JsonNode accepted, WaitOption wait) {
    if (!wait.noWait) {
      new Polling(around).job(client, accepted.path("jobId").asText());
    }
  }

  private static String percent(@Nullable Object share) {
    return share instanceof Number number
        ? String.format(Locale.ROOT, "%.2f %%", 100 * number.doubleValue())
        : "";
  }
}
