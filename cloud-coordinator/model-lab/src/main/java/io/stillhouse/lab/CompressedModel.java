package io.stillhouse.lab;

import io.stillhouse.lab.evaluate.Evaluation;
import java.nio.file.Path;
import java.util.List;

/**
 * A finished student.
 *
 * @param directory its folder
 * @param evaluation what was measured of it
 * @param warnings what was skipped while data and pictures were read, one line each
 */
public record CompressedModel(Path directory, Evaluation evaluation, List<String> warnings) {
  public CompressedModel {
    warnings = List.copyOf(warnings);
  }
}
