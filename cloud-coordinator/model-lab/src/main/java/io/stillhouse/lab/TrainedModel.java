package io.stillhouse.lab;

import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.teacher.TrainingPlan;
import java.nio.file.Path;
import java.util.List;

/**
 * A finished teacher.
 *
 * @param directory its folder
 * @param plan by which it was trained
 * @param evaluation what was measured of it
 * @param warnings what was skipped while its data was read, one line each
 */
public record TrainedModel(
    Path directory, TrainingPlan plan, Evaluation evaluation, List<String> warnings) {
  public TrainedModel {
    warnings = List.copyOf(warnings);
  }
}
