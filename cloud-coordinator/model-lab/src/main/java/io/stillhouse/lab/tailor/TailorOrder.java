package io.stillhouse.lab.tailor;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.model.Digest;
import java.nio.file.Path;
import java.util.List;

/**
 * Everything that tailoring needs.
 *
 * @param out folder of students; one that an earlier run of the same teacher, data and plan left is
 *     continued
 */
public record TailorOrder(
    Teacher teacher, Dataset data, List<ClassTarget> targets, TailorPlan plan, Path out) {
  /** Most classes of one order. */
  public static final int CLASSES_MAX = 64;

  public TailorOrder {
    targets = List.copyOf(targets);
    if (targets.isEmpty() || targets.size() > CLASSES_MAX) {
      throw new IllegalArgumentException(
          "hardware classes: %d (expected: 1 to %d)".formatted(targets.size(), CLASSES_MAX));
    }
  }

  /**
   * The network that students learn from.
   *
   * @param weights digest of its weights file
   */
  public record Teacher(StoredModel model, Digest weights) {}
}
