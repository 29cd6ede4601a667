package io.stillhouse.lab.compress;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Moves scale from a layer's channels to the next layer's inputs, so that both have the same range
 * and no channel is lost in rounding (Nagel et al. 2019, arXiv 1906.04721). With r1 and r2 the
 * largest absolute weights of channel c in both, s = sqrt(r1 / r2): the first layer's channel and
 * bias are divided by s, the second's inputs multiplied.
 *
 * <p>The function of the network stays as it is, because what lies between must commute with
 * positive factors: ReLU, pooling and flatten do. ReLU6 does not, its clamp would move, so pairs
 * with one between them are left alone.
 */
final class CrossLayerEqualisation {
  /** Chains of layers settle within a few sweeps. */
  private static final int SWEEPS = 20;

  private CrossLayerEqualisation() {}

  /** A layer, and the only one that reads its channels. */
  record Pair(String first, String second) {}

  /** The same function with evened ranges, of a network whose normalisation is folded in. */
  static Network equalise(Network folded) {
    List<Pair> pairs = pairs(folded.graph());
    Weights weights = folded.weights();
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      for (Pair pair : pairs) {
        weights = balanced(folded.graph(), weights, pair);
      }
    }
    return new Network(folded.graph(), weights);
  }

  static List<Pair> pairs(NetworkGraph graph) {
    List<Pair> pairs = new ArrayList<>();
    ends(graph)
        .forEach(
            (first, end) ->
                end.second().ifPresent(next -> pairs.add(new Pair(first, next.name()))));
    return pairs;
  }

  /** What the report says: how many pairs there are, and why the other layers are in none. */
  static Map<String, Object> note(NetworkGraph graph) {
    Map<String, Integer> reasons = new TreeMap<>();
    int pairs = 0;
    for (End end : ends(graph).values()) {
      if (end.second().isPresent()) {
        pairs++;
      } else {
        reasons.merge(end.reason(), 1, Integer::sum);
      }
    }
    List<String> alone = new ArrayList<>();
    reasons.forEach((reason, layers) -> alone.add(layers + " " + reason));
    Map<String, Object> note = new LinkedHashMap<>();
    note.put("pairs", pairs);
    note.put("leftAlone", String.join("; ", alone));
    return note;
  }

  /**
   * Where a layer's channels go.
   *
   * @param second the only layer that multiplies them; empty where scale cannot be handed on
   * @param reason why not
   */
  private record End(Optional<Node> second, String reason) {
    static End alone(String reason) {
      return new End(Optional.empty(), reason);
    }
  }

  private static Map<String, End> ends(NetworkGraph graph) {
    Map<String, List<Node>> consumers = graph.consumers();
    Map<String, End> ends = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (multiplies(node.layer())) {
        ends.put(node.name(), behind(consumers, node));
      }
    }
    return ends;
  }

  private static End behind(Map<String, List<Node>> consumers, Node node) {
    Node now = node;
    while (true) {
      List<Node> readers = consumers.getOrDefault(now.name(), List.of());
      if (readers.size() != 1) {
        return End.alone(readers.isEmpty() ? "with no layer behind" : "read by several");
      }
      now = readers.get(0);
      if (multiplies(now.layer())) {
        return now.layer() instanceof Layer.Conv c && c.groups() > 1 && !c.depthwise()
            ? End.alone("in front of groups")
            : new End(Optional.of(now), "");
      }
      if (!commutes(now.layer())) {
        return End.alone("in front of " + kind(now.layer()));
      }
    }
  }

  private static String kind(Layer layer) {
    return layer instanceof Layer.Activation activation
        ? activation.function().name().toLowerCase(Locale.ROOT).replace('_', ' ')
        : layer.getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static boolean multiplies(Layer layer) {
    return layer instanceof Layer.Conv || layer instanceof Layer.Linear;
  }

  private static boolean commutes(Layer layer) {
    return (layer instanceof Layer.Activation activation && activation.function() == Function.RELU)
        || layer instanceof Layer.MaxPool
        || layer instanceof Layer.AveragePool
        || layer instanceof Layer.GlobalAveragePool
        || layer instanceof Layer.Flatten
        || layer instanceof Layer.Dropout;
  }

  private static Weights balanced(NetworkGraph graph, Weights weights, Pair pair) {
    String firstName = pair.first() + ".weight";
    String secondName = pair.second() + ".weight";
    float[] first = weights.values(firstName);
    float[] second = weights.values(secondName);
    int channels = weights.shape(firstName)[0];
    int each = first.length / channels;
    boolean depthwise =
        graph.node(pair.second()).layer() instanceof Layer.Conv conv && conv.depthwise();
    int rows = depthwise ? 1 : weights.shape(secondName)[0];
    int row = second.length / rows;
    int share = row / channels;
    float[] bias =
        weights.has(pair.first() + ".bias") ? weights.values(pair.first() + ".bias") : new float[0];
    for (int c = 0; c < channels; c++) {
      float one = largest(first, c * each, each);
      float two = 0;
      for (int r = 0; r < rows; r++) {
        two = Math.max(two, largest(second, r * row + c * share, share));
      }
      if (one == 0 || two == 0) {
        continue; // a dead channel has no range to even out
      }
      float s = (float) Math.sqrt((double) one / two);
      scale(first, c * each, each, 1 / s);
      if (bias.length > 0) {
        bias[c] /= s;
      }
      for (int r = 0; r < rows; r++) {
        scale(second, r * row + c * share, share, s);
      }
    }
    Weights.Builder builder =
        weights.toBuilder()
            .put(firstName, first, weights.shape(firstName))
            .put(secondName, second, weights.shape(secondName));
    if (bias.length > 0) {
      builder.put(pair.first() + ".bias", bias, bias.length);
    }
    return builder.build();
  }

  private static float largest(float[] values, int from, int count) {
    float largest = 0;
    for (int i = from; i < from + count; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    return largest;
  }

  private static void scale(float[] values, int from, int count, float by) {
    for (int i = from; i < from + count; i++) {
      values[i] *= by;
    }
  }
}
