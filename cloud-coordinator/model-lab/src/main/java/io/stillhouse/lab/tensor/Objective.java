package io.stillhouse.lab.tensor;

/**
 * What a step makes smaller. Without a teacher: cross-entropy with label smoothing. With one:
 * {@code (1 - softShare) * cross-entropy + softShare * T^2 * KL(teacher_T || student_T)}, mean over
 * the batch, where {@code _T} is a softmax of logits divided by the temperature; labels are then
 * not smoothed, since the teacher does that. Source: Hinton, Vinyals, Dean 2015, arXiv 1503.02531.
 *
 * @param labelSmoothing share of probability spread over all classes
 * @param temperature T
 * @param softShare weight of the teacher's part
 */
public record Objective(double labelSmoothing, double temperature, double softShare) {}
