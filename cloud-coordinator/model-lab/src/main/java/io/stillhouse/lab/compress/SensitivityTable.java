package io.stillhouse.lab.compress;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What happens to accuracy when one layer alone is compressed, without training after it.
 *
 * @param method what was done to the layers, e.g. {@code prune}
 * @param baseline accuracy with no layer touched
 */
public record SensitivityTable(String method, double baseline, List<Row> rows) {
  public SensitivityTable {
    rows = List.copyOf(rows);
  }

  /**
   * One trial.
   *
   * @param setting how hard the layer was compressed, e.g. the share of its channels that went
   */
  public record Row(String layer, double setting, double accuracy) {}

  /** Rows of each layer, in order. */
  public Map<String, List<Row>> byLayer() {
    Map<String, List<Row>> byLayer = new LinkedHashMap<>();
    rows.forEach(row -> byLayer.computeIfAbsent(row.layer(), key -> new ArrayList<>()).add(row));
    return byLayer;
  }

  /** The flat form that files show. */
  public Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("method", method);
    fields.put("baseline", baseline);
    fields.put(
        "rows",
        rows.stream()
            .map(
                row -> {
                  Map<String, Object> one = new LinkedHashMap<>();
                  one.put("layer", row.layer());
                  one.put("setting", row.setting());
                  one.put("accuracy", row.accuracy());
                  return one;
                })
            .toList());
    return fields;
  }
}
