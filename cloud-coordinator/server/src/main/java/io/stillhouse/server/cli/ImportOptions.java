package io.stillhouse.server.cli;

import io.stillhouse.lab.ImportRequest;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Preprocessing;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** What is imported and how its pixels were scaled. */
final class ImportOptions {
  @Option(
      names = "--onnx",
      paramLabel = "FILE.onnx",
      required = true,
      description = "Float model of one input (batch, channels, height, width).")
  private Path onnx = Path.of("");

  @ArgGroup(exclusive = false)
  private @Nullable Scaling scaling;

  /** Both or neither. */
  static final class Scaling {
    @Option(
        names = "--mean",
        paramLabel = "X",
        split = ",",
        required = true,
        description = {
          "What its training took from pixels of 0 to 1, per channel, e.g. 0.485,0.456,0.406;",
          "default: as measured over the training images."
        })
    private List<Float> mean = List.of();

    @Option(
        names = "--std",
        paramLabel = "X",
        split = ",",
        required = true,
        description = "What it then divided them by.")
    private List<Float> std = List.of();
  }

  @Option(
      names = "--new-head",
      description = "Replace the layer that makes the classes by an untrained one for the data.")
  private boolean newHead;

  ImportRequest request(DataSpec data, Path out) {
    Optional<Preprocessing> preprocessing = Optional.empty();
    if (scaling != null) {
      try {
        preprocessing = Optional.of(new Preprocessing(scaling.mean, scaling.std));
      } catch (IllegalArgumentException e) {
        throw CliException.ofUsage(
            "cannot scale pixels so", String.valueOf(e.getMessage()), "correct --mean and --std");
      }
    }
    return new ImportRequest(onnx, data, preprocessing, newHead, out);
  }
}
