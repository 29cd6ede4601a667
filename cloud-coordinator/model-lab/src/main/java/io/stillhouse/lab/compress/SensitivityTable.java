package io.stillhouse.lab.compress;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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

  /**
   * A plot as SVG: one bar per layer, as long as the worst drop in accuracy that it causes. Layer
   * names are those of nodes, which hold no character that would need escaping.
   */
  public String toSvg() {
    int line = 18;
    StringBuilder svg = new StringBuilder();
    Map<String, List<Row>> layers = byLayer();
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">%n"
            .formatted(line * (layers.size() + 1) + 8));
    svg.append(
        "<text x=\"4\" y=\"14\">%s: largest drop in accuracy by layer</text>%n".formatted(method));
    int y = line;
    for (Map.Entry<String, List<Row>> layer : layers.entrySet()) {
      double worst =
          layer.getValue().stream().mapToDouble(row -> baseline - row.accuracy()).max().orElse(0);
      int width = (int) Math.round(280 * Math.max(0, Math.min(1, worst)));
      svg.append(
          "<text x=\"4\" y=\"%d\">%s</text><rect x=\"270\" y=\"%d\" width=\"%d\" height=\"12\" fill=\"#4a7ab5\"/><text x=\"%d\" y=\"%d\">%s</text>%n"
              .formatted(
                  y + 13,
                  layer.getKey(),
                  y + 3,
                  width,
                  276 + width,
                  y + 13,
                  String.format(Locale.ROOT, "%.3f", worst)));
      y += line;
    }
    return svg.append("</svg>\n").toString().replace(System.lineSeparator(), "\n");
  }
}
