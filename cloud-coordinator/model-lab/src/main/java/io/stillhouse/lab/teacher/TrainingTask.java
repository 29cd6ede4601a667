package io.stillhouse.lab.teacher;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.network.Network;
import java.util.Optional;

/**
 * What is to be learnt, from what.
 *
 * @param initial where training starts: random weights, or a pruned network's
 * @param teacher whose logits are followed as well, if any; it sees the same images. In mutual
 *     learning the peer as it starts, of the same shape as {@code initial}
 */
public record TrainingTask(
    Network initial,
    Dataset data,
    Preprocessing preprocessing,
    TrainingPlan plan,
    Optional<Network> teacher) {
  public TrainingTask {
    if (!initial.graph().input().equals(data.shape())
        || initial.graph().classes() != data.classes()) {
      throw new IllegalArgumentException(
          "network %s takes %s and %d classes (expected: %s and %d, as the data)"
              .formatted(
                  initial.graph().name(),
                  initial.graph().input(),
                  initial.graph().classes(),
                  data.shape(),
                  data.classes()));
    }
    if (teacher.isPresent()
        && (!teacher.get().graph().input().equals(data.shape())
            || teacher.get().graph().classes() != data.classes())) {
      throw new IllegalArgumentException("the teacher does not fit the data");
    }
  }

  /** Names what is learnt by everything that the result depends on, threads excepted. */
  public String fingerprint() {
    return Fingerprint.of(this);
  }
}
