package io.stillhouse.server.cli;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.LongSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The lab by itself: works in this process and needs no coordinator. */
@Command(
    name = "lab",
    mixinStandardHelpOptions = true,
    description = "The lab by itself, without a coordinator: evaluate.")
final class LabCommands extends Cli.Group {
  private final Surroundings around;
  private final LongSupplier nanos;

  LabCommands(Surroundings around, LongSupplier nanos) {
    this.around = around;
    this.nanos = nanos;
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
      @Option(
              names = "--data",
              paramLabel = "SPEC",
              required = true,
              description = "builtin:fashion-mnist-12k, images:DIR, idx:DIR or cifar:DIR.")
          String data,
      @Mixin JsonOption json) {
    ProgressLine progress = new ProgressLine(around);
    Evaluation evaluation;
    try {
      evaluation = new Evaluator(nanos).evaluate(model, DataSpec.parse(data).load(), progress);
    } finally {
      progress.end();
    }
    Map<String, Object> fields = evaluation.toFields();
    json.print(
        around.out(),
        fields,
        () -> {
          Table table = new Table("MEASURED", "VALUE");
          fields.forEach(table::row);
          table.print(around.out());
        });
  }
}
