package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Selection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Finds which groups of channels a network can do without, by removing them one group at a time (Li
 * et al. 2017, section 3.2), and turns the finding into a ratio for each.
 */
final class PruningSensitivity {
  /** Shares that are tried in every group. */
  static final List<Double> RATIOS = List.of(0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875);

  private PruningSensitivity() {}

  /** Accuracy with each group alone pruned; rows are named as the groups. */
  static SensitivityTable measure(
      Network network, ChannelScores scores, Validation validation, Progress progress) {
    List<PruningGroup> groups = PruningGroups.of(network.graph());
    List<SensitivityTable.Row> rows = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      PruningGroup group = groups.get(i);
      progress.report("prune: try layers", (double) i / groups.size(), group.name());
      for (double ratio : RATIOS) {
        if (progress.cancelled()) {
          throw new CancelledException("prune: try layers");
        }
        int kept = ChannelBudget.keep(group.channels(), ratio, 1);
        Network one = ChannelPruner.compact(network, alone(group, groups, kept, scores));
        double accuracy = validation.accuracy(OnnxExporter.fp32(one));
        rows.add(new SensitivityTable.Row(group.name(), ratio, accuracy));
      }
    }
    return new SensitivityTable("prune", validation.accuracy(OnnxExporter.fp32(network)), rows);
  }

  /** What stays when one group alone is pruned to so many channels. */
  static Map<PruningGroup, List<Integer>> alone(
      PruningGroup pruned, List<PruningGroup> groups, int left, ChannelScores scores) {
    Map<PruningGroup, List<Integer>> kept = new LinkedHashMap<>();
    for (PruningGroup group : groups) {
      int count = group.equals(pruned) ? left : group.channels();
      kept.put(group, ChannelPruner.best(scores.of(group), count));
    }
    return kept;
  }

  /**
   * The smallest drop that, allowed to every group alike, removes the step's share of all channels;
   * and the ratio that each group reaches within it. Groups that are no longer prunable at any drop
   * go to the largest ratio that was tried.
   */
  static Prune ratios(SensitivityTable table, List<PruningGroup> groups, Prune step) {
    TreeSet<Double> drops = new TreeSet<>();
    drops.add(0.0);
    table.rows().forEach(row -> drops.add(Math.max(0, table.baseline() - row.accuracy())));
    Map<String, Double> chosen = new HashMap<>();
    for (double allowed : drops) {
      chosen = within(table, allowed);
      if (removedShare(chosen, groups) >= step.ratio()) {
        break;
      }
    }
    // What the coarse grid removes too much is given back in equal parts.
    double excess = Math.min(1, step.ratio() / Math.max(1e-9, removedShare(chosen, groups)));
    chosen.replaceAll((layer, ratio) -> ratio * excess);
    Map<String, Double> wishes = step.selection().layerRatios();
    for (PruningGroup group : groups) {
      if (group.makers().stream().anyMatch(wishes::containsKey)) {
        chosen.remove(group.name());
      }
    }
    chosen.putAll(wishes);
    return new Prune(
        step.ratio(),
        step.importance(),
        step.roundTo(),
        step.epochs(),
        new Selection(Selection.Scope.LAYER, chosen, step.selection().rounds()));
  }

  private static Map<String, Double> within(SensitivityTable table, double allowed) {
    Map<String, Double> ratios = new HashMap<>();
    table
        .byLayer()
        .forEach(
            (layer, rows) -> {
              double best = 0;
              for (SensitivityTable.Row row : rows) {
                // Up to the first ratio that costs more: a later one that does not is luck.
                if (table.baseline() - row.accuracy() > allowed) {
                  break;
                }
                best = row.setting();
              }
              ratios.put(layer, best);
            });
    return ratios;
  }

  private static double removedShare(Map<String, Double> ratios, List<PruningGroup> groups) {
    double removed = 0;
    double all = 0;
    for (PruningGroup group : groups) {
      removed += ratios.getOrDefault(group.name(), 0.0) * group.channels();
      all += group.channels();
    }
    return all == 0 ? 0 : removed / all;
  }
}
