package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds the pruning groups of a network from its graph: classes of channels that must go together
 * (see {@link ChannelClasses}), gathered into groups of classes that are made up alike. A residual
 * chain becomes one group from the stem to the last block; each layer of a dense block is a group
 * whose channels stand at another place of every map behind it.
 *
 * <p>The channels of the image and of the logits are given from outside and are not prunable.
 */
final class PruningGroups {
  private final NetworkGraph graph;
  private final ChannelClasses classes;

  /** Classes by their number, in the order of their first channel. */
  private final Map<Integer, Unit> units = new TreeMap<>();

  /** What one class of channels consists of. */
  private static final class Unit {
    final Map<String, List<Integer>> made = new LinkedHashMap<>();
    final Map<String, List<Integer>> followed = new LinkedHashMap<>();
    final Set<String> read = new LinkedHashSet<>();

    /** Equal for classes of the same make-up. */
    List<Object> makeUp() {
      return List.of(counts(made), counts(followed), read);
    }

    private static Map<String, Integer> counts(Map<String, List<Integer>> channels) {
      Map<String, Integer> counts = new LinkedHashMap<>();
      channels.forEach((node, list) -> counts.put(node, list.size()));
      return counts;
    }
  }

  private PruningGroups(NetworkGraph graph) {
    this.graph = graph;
    this.classes = new ChannelClasses(graph);
  }

  /**
   * The groups in the order in which their first maker stands in the graph. Refuses a network
   * without any.
   */
  static List<PruningGroup> of(NetworkGraph graph) {
    List<PruningGroup> groups = new PruningGroups(graph).find();
    if (groups.isEmpty()) {
      throw new IllegalArgumentException(
          "network %s cannot be pruned: none of its channels can go without those of the image or the classes"
              .formatted(graph.name()));
    }
    return groups;
  }

  private List<PruningGroup> find() {
    BitSet fixed = new BitSet(classes.slots());
    fix(fixed, graph.nodes().get(0).name());
    fix(fixed, graph.output().name());
    for (Node node : graph.nodes()) {
      gather(node, fixed);
    }
    Map<List<Object>, List<Unit>> alike = new LinkedHashMap<>();
    for (Unit unit : units.values()) {
      if (!unit.made.isEmpty()) {
        alike.computeIfAbsent(unit.makeUp(), key -> new ArrayList<>()).add(unit);
      }
    }
    return alike.values().stream().map(PruningGroups::group).toList();
  }

  private void fix(BitSet fixed, String node) {
    for (int c = 0; c < classes.channels(node); c++) {
      fixed.set(classes.of(node, c));
    }
  }

  private void gather(Node node, BitSet fixed) {
    Layer layer = node.layer();
    boolean makes = ChannelClasses.makes(layer);
    boolean follows =
        layer instanceof Layer.Conv
            || layer instanceof Layer.BatchNorm
            || layer instanceof Layer.ChannelPad;
    if (!makes && !follows) {
      return;
    }
    for (int c = 0; c < classes.channels(node.name()); c++) {
      int number = classes.of(node.name(), c);
      if (!fixed.get(number)) {
        Unit unit = units.computeIfAbsent(number, key -> new Unit());
        (makes ? unit.made : unit.followed)
            .computeIfAbsent(node.name(), key -> new ArrayList<>())
            .add(c);
      }
    }
    String input = node.inputs().get(0);
    for (int c = 0; makes && c < classes.channels(input); c++) {
      int number = classes.of(input, c);
      if (!fixed.get(number)) {
        units.computeIfAbsent(number, key -> new Unit()).read.add(node.name());
      }
    }
  }

  private static PruningGroup group(List<Unit> units) {
    Unit first = units.get(0);
    Map<String, List<Integer>> places = new LinkedHashMap<>();
    for (Unit unit : units) {
      unit.made.forEach(
          (node, at) -> places.computeIfAbsent(node, n -> new ArrayList<>()).addAll(at));
      unit.followed.forEach(
          (node, at) -> places.computeIfAbsent(node, n -> new ArrayList<>()).addAll(at));
    }
    return new PruningGroup(
        units.size(),
        List.copyOf(first.made.keySet()),
        List.copyOf(first.followed.keySet()),
        List.copyOf(first.read),
        places);
  }
}
