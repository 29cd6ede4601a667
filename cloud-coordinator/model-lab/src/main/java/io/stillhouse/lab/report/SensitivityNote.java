package io.stillhouse.lab.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What became of one figure when one layer alone was treated, as the note of any step says it: a
 * map of {@code method} (the step), {@code baseline} (the figure with no layer treated, if there is
 * one), {@code measure} (the figure's name, if the rows have several) and {@code rows}, maps of a
 * {@code layer}, perhaps a {@code setting}, and the figure.
 *
 * @param furthest of each layer, the change that is furthest from none; of a note without a
 *     baseline, the largest figure
 */
record SensitivityNote(
    String step, String measure, OptionalDouble baseline, Map<String, Double> furthest) {
  private static final String ACCURACY = "accuracy";
  private static final String LAYER = "layer";
  private static final String SETTING = "setting";

  /** Empty for notes of another form. */
  static Optional<SensitivityNote> of(Object note) {
    if (!(note instanceof Map<?, ?> table) || !(table.get("rows") instanceof List<?> rows)) {
      return Optional.empty();
    }
    Optional<String> measure = measure(table, rows);
    OptionalDouble baseline = number(table, "baseline");
    Map<String, Double> furthest = new LinkedHashMap<>();
    for (Object row : measure.isPresent() ? rows : List.of()) {
      if (row instanceof Map<?, ?> trial && trial.containsKey(LAYER)) {
        number(trial, measure.get())
            .ifPresent(
                value ->
                    furthest.merge(
                        String.valueOf(trial.get(LAYER)),
                        value - baseline.orElse(0),
                        (a, b) -> Math.abs(b) > Math.abs(a) ? b : a));
      }
    }
    if (furthest.isEmpty()) {
      return Optional.empty();
    }
    String step = table.get("method") instanceof String method ? method : "step";
    return Optional.of(new SensitivityNote(step, measure.get(), baseline, furthest));
  }

  private static Optional<String> measure(Map<?, ?> table, List<?> rows) {
    if (table.get("measure") instanceof String named) {
      return Optional.of(named);
    }
    for (Object row : rows) {
      if (row instanceof Map<?, ?> trial) {
        return trial.keySet().stream()
            .filter(key -> !key.equals(LAYER) && !key.equals(SETTING))
            .filter(key -> trial.get(key) instanceof Number)
            .map(String::valueOf)
            .min((a, b) -> Boolean.compare(b.equals(ACCURACY), a.equals(ACCURACY)));
      }
    }
    return Optional.empty();
  }

  private static OptionalDouble number(Map<?, ?> from, String key) {
    return from.get(key) instanceof Number number
        ? OptionalDouble.of(number.doubleValue())
        : OptionalDouble.empty();
  }

  /** Which step, which figure, and from where it changed. */
  String title() {
    if (baseline.isEmpty()) {
      return "%s: %s, one layer alone".formatted(step, measure);
    }
    double from = baseline.getAsDouble();
    return "%s: largest change of %s by one layer alone, from %s"
        .formatted(step, measure, share() ? Figures.percent(from) + " %" : Figures.text(from));
  }

  /** A layer each; the longer, the further from the baseline. */
  List<Plot.Bar> bars() {
    List<Plot.Bar> bars = new ArrayList<>();
    furthest.forEach(
        (layer, change) -> bars.add(new Plot.Bar(layer, Math.abs(change), shown(change))));
    return bars;
  }

  private String shown(double change) {
    if (baseline.isEmpty()) {
      return share() ? Figures.percent(change) + " %" : Figures.text(change);
    }
    return share() ? Figures.points(change) : (change > 0 ? "+" : "") + Figures.text(change);
  }

  private boolean share() {
    return measure.equals(ACCURACY);
  }
}
