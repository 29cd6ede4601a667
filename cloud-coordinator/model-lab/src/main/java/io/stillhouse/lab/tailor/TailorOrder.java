package io.stillhouse.lab.tailor;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.model.Digest;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
   * @param origin where it and the data lie, for the reports of students; as JSON can hold it
   */
  public record Teacher(StoredModel model, Digest weights, Map<String, Object> origin) {
    public Teacher {
      origin = Collections.unmodifiableMap(new LinkedHashMap<>(origin));
    }
  }
}
