package io.stillhouse.lab.compress;

import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Removes whole channels (Li et al. 2017): those whose filters have the smallest L1 norm, the same
 * share in every group. What comes out is a smaller network, not a masked one.
 *
 * <p>Norms are taken after batch normalisation is folded in, because normalisation makes the scale
 * of a bare filter meaningless, and each layer's are divided by their mean, so that in a group of
 * several layers none outweighs the others.
 */
public final class ChannelPruner {
  private ChannelPruner() {}

  /** Removes {@code ratio} of the channels of every group; see {@link #keep} for the rounding. */
  public static Network prune(Network network, double ratio, int roundTo) {
    return compact(network, select(network, ratio, roundTo));
  }

  /**
   * Channels that stay of {@code channels}: the nearest multiple of {@code roundTo} to the exact
   * share, at least one multiple, never more than there are.
   */
  static int keep(int channels, double ratio, int roundTo) {
    long multiples = Math.round((1 - ratio) * channels / roundTo);
    return (int) Math.min(channels, Math.max(1, multiples) * roundTo);
  }

  /** The channels that stay, ascending, for each group. */
  static Map<PruningGroup, List<Integer>> select(Network network, double ratio, int roundTo) {
    Weights folded = BatchNormFolding.fold(network).weights();
    Map<PruningGroup, List<Integer>> kept = new LinkedHashMap<>();
    for (PruningGroup group : PruningGroups.of(network.graph())) {
      double[] importance = importance(group, folded);
      kept.put(
          group,
          IntStream.range(0, group.channels())
              .boxed()
              // Equal importance keeps the earlier channel, so that a tie has one outcome.
              .sorted(Comparator.<Integer>comparingDouble(c -> -importance[c]))
              .limit(keep(group.channels(), ratio, roundTo))
              .sorted()
              .toList());
    }
    return kept;
  }

  private static double[] importance(PruningGroup group, Weights folded) {
    double[] sum = new double[group.channels()];
    List<String> layers = new ArrayList<>(group.makers());
    layers.addAll(group.followers());
    for (String layer : layers) {
      if (!folded.has(layer + ".weight")) {
        continue; // a normalisation that was folded away
      }
      int rows = folded.shape(layer + ".weight")[0];
      float[] weight = group.unitsOf(layer, folded.values(layer + ".weight"), rows);
      int each = weight.length / group.channels();
      double[] norms = new double[group.channels()];
      for (int i = 0; i < weight.length; i++) {
        norms[i / each] += Math.abs(weight[i]);
      }
      double mean = Arrays.stream(norms).average().orElse(0);
      for (int c = 0; c < norms.length; c++) {
        sum[c] += mean > 0 ? norms[c] / mean : 0;
      }
    }
    return sum;
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
