package io.stillhouse.lab.compress;

import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.recipe.Compression.Importance;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * How much each channel of each group matters; what matters least goes first.
 *
 * <p>Norms and distances of a layer are divided by their mean over its channels, so that layers of
 * different scale can be compared and in a group of several none outweighs the others; a group's
 * score is the mean over its layers. Normalisation scales and Taylor scores are comparable as they
 * are, since the first multiply unit-variance maps and the second are changes of one loss.
 */
final class ChannelScores {
  private final Map<PruningGroup, double[]> byGroup;

  private ChannelScores(Map<PruningGroup, double[]> byGroup) {
    this.byGroup = byGroup;
  }

  /** Scores that follow from weights alone, or from chance. */
  static ChannelScores of(Network network, Importance importance, long seed) {
    Weights folded = BatchNormFolding.fold(network).weights();
    Random random = new Random(seed);
    Map<PruningGroup, double[]> scores = new LinkedHashMap<>();
    for (PruningGroup group : PruningGroups.of(network.graph())) {
      scores.put(
          group,
          switch (importance) {
            case L1 -> layerMeans(group, folded, ChannelScores::absolutes);
            case L2 -> layerMeans(group, folded, ChannelScores::lengths);
            case GEOMETRIC_MEDIAN -> layerMeans(group, folded, ChannelScores::distances);
            case BATCH_NORM_SCALE -> scales(group, network.weights());
            case RANDOM -> random.doubles(group.channels()).toArray();
            case TAYLOR -> throw new IllegalArgumentException("importance taylor needs gradients");
          });
    }
    return new ChannelScores(scores);
  }

  /**
   * Taylor scores: the mean over batches of (sum of gradient * value over everything that makes the
   * channel) squared, which to first order is the squared change of the loss when the channel is
   * zero. With normalisation folded in and statistics fixed: in training mode the loss does not
   * depend on a filter's length, and the sum would vanish.
   *
   * @param gradients of one batch each, of the folded network
   */
  static ChannelScores taylor(Network network, List<Weights> gradients) {
    Weights folded = BatchNormFolding.fold(network).weights();
    Map<PruningGroup, double[]> scores = new LinkedHashMap<>();
    for (PruningGroup group : PruningGroups.of(network.graph())) {
      double[] score = new double[group.channels()];
      for (Weights gradient : gradients) {
        double[] change = firstOrderChange(group, folded, gradient);
        for (int c = 0; c < score.length; c++) {
          score[c] += change[c] * change[c] / gradients.size();
        }
      }
      scores.put(group, score);
    }
    return new ChannelScores(scores);
  }

  /** One score per channel. */
  double[] of(PruningGroup group) {
    double[] scores = byGroup.get(group);
    if (scores == null) {
      throw new IllegalArgumentException("the group is of another network: " + group);
    }
    return scores.clone();
  }

  private static double[] firstOrderChange(PruningGroup group, Weights folded, Weights gradient) {
    double[] change = new double[group.channels()];
    for (String layer : members(group)) {
      for (String part : List.of(".weight", ".bias", ".gamma", ".beta")) {
        String name = layer + part;
        if (folded.has(name) && gradient.has(name)) {
          int rows = folded.shape(name)[0];
          float[] value = group.unitsOf(layer, folded.values(name), rows);
          float[] slope = group.unitsOf(layer, gradient.values(name), rows);
          int each = value.length / group.channels();
          for (int i = 0; i < value.length; i++) {
            change[i / each] += (double) slope[i] * value[i];
          }
        }
      }
    }
    return change;
  }

  private interface Measure {
    double[] of(float[] weight, int channels);
  }

  private static double[] layerMeans(PruningGroup group, Weights folded, Measure measure) {
    double[] sum = new double[group.channels()];
    int layers = 0;
    for (String layer : members(group)) {
      if (!folded.has(layer + ".weight")) {
        continue; // a normalisation, folded away or not
      }
      layers++;
      String name = layer + ".weight";
      float[] units = group.unitsOf(layer, folded.values(name), folded.shape(name)[0]);
      double[] scores = measure.of(units, group.channels());
      double mean = Arrays.stream(scores).average().orElse(0);
      for (int c = 0; c < scores.length; c++) {
        sum[c] += mean > 0 ? scores[c] / mean : 0;
      }
    }
    for (int c = 0; c < sum.length; c++) {
      sum[c] /= Math.max(1, layers);
    }
    return sum;
  }

  private static double[] absolutes(float[] weight, int channels) {
    double[] sums = new double[channels];
    int each = weight.length / channels;
    for (int i = 0; i < weight.length; i++) {
      sums[i / each] += Math.abs(weight[i]);
    }
    return sums;
  }

  private static double[] lengths(float[] weight, int channels) {
    double[] squares = new double[channels];
    int each = weight.length / channels;
    for (int i = 0; i < weight.length; i++) {
      squares[i / each] += (double) weight[i] * weight[i];
    }
    return Arrays.stream(squares).map(Math::sqrt).toArray();
  }

  /** Sum of Euclidean distances to all filters of the layer, as FPGM ranks them. */
  private static double[] distances(float[] weight, int channels) {
    double[] sums = new double[channels];
    int each = weight.length / channels;
    for (int a = 0; a < channels; a++) {
      for (int b = a + 1; b < channels; b++) {
        double squares = 0;
        for (int i = 0; i < each; i++) {
          double gap = (double) weight[a * each + i] - weight[b * each + i];
          squares += gap * gap;
        }
        sums[a] += Math.sqrt(squares);
        sums[b] += Math.sqrt(squares);
      }
    }
    return sums;
  }

  private static double[] scales(PruningGroup group, Weights weights) {
    double[] sum = new double[group.channels()];
    int norms = 0;
    for (String layer : group.followers()) {
      if (weights.has(layer + ".gamma")) {
        norms++;
        float[] gamma = weights.values(layer + ".gamma");
        double[] scales = absolutes(group.unitsOf(layer, gamma, gamma.length), sum.length);
        for (int c = 0; c < sum.length; c++) {
          sum[c] += scales[c] / group.places(layer, c).size();
        }
      }
    }
    if (norms == 0) {
      throw new IllegalArgumentException(
          "importance batchNormScale: no normalisation follows %s"
              .formatted(String.join(", ", group.makers())));
    }
    for (int c = 0; c < sum.length; c++) {
      sum[c] /= norms;
    }
    return sum;
  }

  private static List<String> members(PruningGroup group) {
    List<String> members = new ArrayList<>(group.makers());
    members.addAll(group.followers());
    return members;
  }
}
