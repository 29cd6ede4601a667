package io.stillhouse.server.cli;

import io.stillhouse.lab.CompressRequest;
import io.stillhouse.lab.CompressedModel;
import io.stillhouse.lab.GracefulStop;
import io.stillhouse.lab.ImportRequest;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.ModelLab;
import io.stillhouse.lab.Reproduction;
import io.stillhouse.lab.TrainRequest;
import io.stillhouse.lab.TrainedModel;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.network.PartialFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The lab by itself: works in this process and needs no coordinator. */
@Command(
    name = "lab",
    mixinStandardHelpOptions = true,
    description = "The lab by itself, without a coordinator: train, compress, evaluate.")
final class LabCommands extends Cli.Group {
  private final Surroundings around;
  private final LongSupplier nanos;
  private final GracefulStop stop;

  LabCommands(Surroundings around, LongSupplier nanos, GracefulStop stop) {
    this.around = around;
    this.nanos = nanos;
    this.stop = stop;
  }

  /** The images. */
  static final class DataOption {
    @Option(
        names = "--data",
        paramLabel = "SPEC",
        required = true,
        description = "builtin:fashion-mnist-12k, images:DIR, idx:DIR or cifar:DIR.")
    private String data = "";

    DataSpec spec() {
      return DataSpec.parse(data);
    }
  }

  /** Where a result goes. */
  static final class OutOption {
    @Option(
        names = "--out",
        paramLabel = "DIR",
        required = true,
        description = {
          "New folder for the result; it appears once it is whole.",
          "Until then DIR.unfinished keeps what the same command goes on from."
        })
    private Path out = Path.of("");
  }

  /** What the work may use of the machine. */
  static final class MachineOptions {
    @Option(
        names = "--threads",
        paramLabel = "N",
        description = {
          "Threads; default: one per processor.",
          "With 1, equal seeds give equal weights on any machine of the kind."
        })
    private Optional<Integer> threads = Optional.empty();

    LabSettings settings() {
      LabSettings usual = LabSettings.defaults();
      try {
        return new LabSettings(threads.orElse(usual.threads()), usual.nativeCacheDir());
      } catch (IllegalArgumentException e) {
        throw CliException.ofUsage(
            "cannot work so", String.valueOf(e.getMessage()), "change --threads");
      }
    }
  }

  @Command(
      name = "train",
      mixinStandardHelpOptions = true,
      description = {
        "Train a network on the training part of a data set and measure it on the test part.",
        "Killed and started again with the same arguments, it goes on from its last checkpoint.",
        "What is not given is chosen to suit the data."
      })
  void train(
      @Mixin DataOption data,
      @Mixin TrainOptions options,
      @Mixin OutOption out,
      @Mixin MachineOptions machine,
      @Mixin JsonOption json) {
    TrainRequest request = options.request(data.spec(), out.out);
    TrainedModel made =
        withProgress(progress -> new ModelLab(machine.settings(), nanos).train(request, progress));
    made.warnings().forEach(around.err()::println);
    around.err().flush();
    print(json, made.directory(), made.evaluation());
  }

  @Command(
      name = "import",
      mixinStandardHelpOptions = true,
      description = {
        "Take in a classifier from an ONNX file that another tool wrote, and measure it.",
        "Then 'lab train --from' trains it on and 'lab compress' makes students of it.",
        "Classes must stand in the order of the data's labels."
      })
  void importModel(
      @Mixin ImportOptions options,
      @Mixin DataOption data,
      @Mixin OutOption out,
      @Mixin JsonOption json) {
    ImportRequest request = options.request(data.spec(), out.out);
    Evaluation evaluation =
        withProgress(
            progress -> new ModelLab(LabSettings.defaults(), nanos).importModel(request, progress));
    print(json, out.out, evaluation);
  }

  @Command(
      name = "compress",
      mixinStandardHelpOptions = true,
      description = {
        "Make a student from a teacher by a recipe, measure it after every step and write",
        "report.html and report.json beside it.",
        "Killed and started again with the same arguments, it goes on from its last checkpoint."
      })
  void compress(
      @Option(
              names = "--teacher",
              paramLabel = "DIR",
              required = true,
              description = "A folder that 'lab train' or 'lab compress' made.")
          Path teacher,
      @Mixin RecipeOptions recipe,
      @Mixin DataOption data,
      @Mixin OutOption out,
      @Mixin MachineOptions machine,
      @Mixin JsonOption json) {
    CompressRequest request =
        new CompressRequest(
            teacher, recipe.recipe(), data.spec(), out.out, machine.settings().threads());
    CompressedModel made =
        withProgress(
            progress -> new ModelLab(machine.settings(), nanos).compress(request, progress));
    made.warnings().forEach(around.err()::println);
    around.err().flush();
    print(json, made.directory(), made.evaluation());
  }

  @Command(
      name = "reproduce",
      mixinStandardHelpOptions = true,
      description = {
        "Make a student again from its provenance and say whether the files are the same bytes.",
        "Ends with 0 when they are, with 1 when not. Sure only for students of one thread."
      })
  int reproduce(
      @Parameters(paramLabel = "DIR", description = "A student's folder.") Path student,
      @Mixin ReproduceOptions options,
      @Mixin JsonOption json)
      throws IOException {
    Path folder = Files.createTempDirectory("stillhouse-reproduce-");
    try {
      CompressRequest request =
          Reproduction.request(student, options.places(), folder.resolve("again"));
      LabSettings settings =
          new LabSettings(request.threads(), LabSettings.defaults().nativeCacheDir());
      CompressedModel again =
          withProgress(progress -> new ModelLab(settings, nanos).compress(request, progress));
      Reproduction.Comparison compared = Reproduction.compare(student, again.directory());
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("same", compared.same());
      document.put("threads", request.threads());
      document.put("files", compared.files());
      document.put("otherTools", compared.tools());
      json.print(
          around.out(),
          document,
          () -> ReproduceOptions.print(compared, request.threads(), around.out()));
      return compared.same() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    } finally {
      PartialFolder.removeTree(folder);
    }
  }

  @Command(
      name = "evaluate",
      mixinStandardHelpOptions = true,
      description = "Measure a model on the test part of a data set: accuracy, cost, speed.")
  void evaluate(
      @Option(
              names = "--model",
              paramLabel = "DIR|FILE.onnx",
              required = true,
              description = "A folder that the lab made, or an ONNX file.")
          Path model,
      @Mixin DataOption data,
      @Mixin JsonOption json) {
    DataSpec spec = data.spec();
    Evaluation evaluation =
        withProgress(
            progress ->
                new ModelLab(LabSettings.defaults(), nanos).evaluate(model, spec, progress));
    json.print(around.out(), evaluation.toFields(), () -> table(evaluation).print(around.out()));
  }

  @Command(
      name = "kernels",
      mixinStandardHelpOptions = true,
      description = {
        "Try whether training with the engine's newer kernels is exact on this processor.",
        "Ends with 0 when it is, with 1 when not. The launcher asks once for each processor."
      })
  int kernels() {
    Optional<String> wrong = new ModelLab(LabSettings.defaults(), nanos).wrongConvolution();
    around.out().println(wrong.map(shape -> "wrong: " + shape).orElse("exact"));
    return wrong.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private <T> T withProgress(Function<ProgressLine, T> work) {
    ProgressLine progress = new ProgressLine(around, stop::asked);
    try {
      return stop.during(() -> work.apply(progress));
    } finally {
      progress.end();
    }
  }

  private void print(JsonOption json, Path directory, Evaluation evaluation) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("directory", directory.toString());
    document.putAll(evaluation.toFields());
    json.print(
        around.out(),
        document,
        () -> {
          table(evaluation).print(around.out());
          around.out().println("wrote " + directory);
        });
  }

  private static Table table(Evaluation evaluation) {
    Table table = new Table("MEASURED", "VALUE");
    evaluation.toFields().forEach(table::row);
    return table;
  }
}
