/**
 * The training loop: augmentation, schedule, checkpoints, and distillation from a teacher's logits.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.teacher;
