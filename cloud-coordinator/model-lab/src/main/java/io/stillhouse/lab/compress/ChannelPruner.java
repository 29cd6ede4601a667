package io.stillhouse.lab.compress;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Removes whole channels: those that matter least by {@link ChannelScores}, as many as {@link
 * ChannelBudget} says. What comes out is a smaller network, not a masked one.
 */
public final class ChannelPruner {
  private ChannelPruner() {}

  /** Removes the same share of every group by L1, at once. */
  public static Network prune(Network network, double ratio, int roundTo) {
    return compact(network, select(network, ratio, roundTo));
  }

  /** The channels that stay by L1, ascending, for each group. */
  static Map<PruningGroup, List<Integer>> select(Network network, double ratio, int roundTo) {
    Prune step = new Prune(ratio, Importance.L1, roundTo, 0);
    return select(
        network,
        new ChannelBudget(step, network.graph()),
        1,
        ChannelScores.of(network, Importance.L1, 0));
  }

  /** The channels that stay after a round, ascending, for each group. */
  static Map<PruningGroup, List<Integer>> select(
      Network network, ChannelBudget budget, int round, ChannelScores scores) {
    List<PruningGroup> groups = PruningGroups.of(network.graph());
    Map<PruningGroup, List<Integer>> kept = new LinkedHashMap<>();
    budget
        .after(round, groups, scores)
        .forEach((group, count) -> kept.put(group, best(scores.of(group), count)));
    return kept;
  }

  /** Places of the best scores, ascending. */
  static List<Integer> best(double[] scores, int count) {
    return IntStream.range(0, scores.length)
        .boxed()
        // Equal importance keeps the earlier channel, so that a tie has one outcome.
        .sorted(Comparator.<Integer>comparingDouble(c -> -scores[c]))
        .limit(count)
        .sorted()
        .toList();
  }

  /** The network without the channels that are not kept. */
  static Network compact(Network network, Map<PruningGroup, List<Integer>> kept) {
    return new Compaction(network, kept).run();
  }

  /**
   * The network as large as it was, with zeros in place of the channels that are not kept: what
   * {@link #compact} must agree with.
   */
  static Network mask(Network network, Map<PruningGroup, List<Integer>> kept) {
    Weights.Builder weights = network.weights().toBuilder();
    Map<String, float[]> values = new LinkedHashMap<>();
    kept.forEach(
        (group, units) -> {
          for (String layer : group.places().keySet()) {
            for (String part : Compaction.OUTPUT_PARTS) {
              String name = layer + part;
              // A mean of zero keeps a zeroed channel at zero through its normalisation.
              if (network.weights().has(name) && !part.equals(".var")) {
                float[] masked = values.computeIfAbsent(name, key -> network.weights().values(key));
                int each = masked.length / network.weights().shape(name)[0];
                for (int unit = 0; unit < group.channels(); unit++) {
                  if (!units.contains(unit)) {
                    for (int channel : group.places(layer, unit)) {
                      Arrays.fill(masked, channel * each, (channel + 1) * each, 0);
                    }
                  }
                }
              }
            }
          }
        });
    values.forEach((name, masked) -> weights.put(name, masked, network.weights().shape(name)));
    return new Network(network.graph(), weights.build());
  }
}
