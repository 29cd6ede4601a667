package io.stillhouse.lab.tensor;

import io.stillhouse.model.recipe.Lesson;

/**
 * What a step makes smaller. Without a teacher: cross-entropy with label smoothing. With one:
 * {@code (1 - softLossWeight) * cross-entropy + softLossWeight * T^2 * KL(teacher_T || student_T)},
 * mean over the batch, where {@code _T} is a softmax of logits divided by the temperature, and what
 * the lesson's method adds or puts in its place ({@link Lesson}); labels are then not smoothed,
 * since the teacher does that. Source: Hinton, Vinyals, Dean 2015, arXiv 1503.02531.
 *
 * @param labelSmoothing share of probability spread over all classes
 * @param lesson what is learnt from the teacher
 */
public record Objective(double labelSmoothing, Lesson lesson) {

  /** Logits alone. */
  public Objective(double labelSmoothing, double temperature, double softLossWeight) {
    this(labelSmoothing, Lesson.logits(temperature, softLossWeight));
  }
}
