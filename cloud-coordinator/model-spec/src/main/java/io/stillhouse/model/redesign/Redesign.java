package io.stillhouse.model.redesign;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.graph.Shapes;
import io.stillhouse.model.network.NetworkRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A network before and after one strategy. The first convolution, those on a single pixel (gates
 * and heads) and the one that makes the logits stay as they are, and so does every convolution that
 * would cost more multiply-accumulates than before.
 *
 * @param changed names of the convolutions that were rewritten
 */
public record Redesign(
    DesignStrategy strategy, NetworkGraph before, NetworkGraph after, List<String> changed) {
  public Redesign {
    changed = List.copyOf(changed);
  }

  /**
   * Applies strategies in order, each to what the one before it made. A width is applied where the
   * family's table says how channels are rounded: the network is built again, narrower, and the
   * strategies before it are applied again.
   *
   * @throws IllegalArgumentException in one line, when a strategy has nothing to apply it to
   */
  public static List<Redesign> chain(NetworkRequest request, List<DesignStrategy> strategies) {
    NetworkRequest base = request;
    NetworkGraph now = request.build();
    List<DesignStrategy> applied = new ArrayList<>();
    List<Redesign> steps = new ArrayList<>();
    for (DesignStrategy strategy : strategies) {
      if (strategy.kind() == DesignStrategy.Kind.WIDTH) {
        base = base.atWidth(base.width() * strategy.number());
        NetworkGraph narrow = base.build();
        for (DesignStrategy earlier : applied) {
          narrow = of(narrow, earlier).after();
        }
        steps.add(narrowed(now, narrow, strategy));
      } else {
        steps.add(of(now, strategy));
        applied.add(strategy);
      }
      now = steps.get(steps.size() - 1).after();
    }
    return steps;
  }

  private static Redesign narrowed(
      NetworkGraph before, NetworkGraph after, DesignStrategy strategy) {
    Set<Node> same = new HashSet<>(before.nodes());
    List<String> changed =
        after.nodes().stream()
            .filter(node -> node.layer() instanceof Layer.Conv && !same.contains(node))
            .map(Node::name)
            .toList();
    if (changed.isEmpty()) {
      throw nothing(before, strategy);
    }
    return new Redesign(strategy, before, named(after, before, strategy), changed);
  }

  /**
   * Applies a strategy other than {@link DesignStrategy.Kind#WIDTH} to any graph.
   *
   * @throws IllegalArgumentException in one line, when the network has nothing to apply it to
   */
  public static Redesign of(NetworkGraph graph, DesignStrategy strategy) {
    if (strategy.kind() == DesignStrategy.Kind.WIDTH) {
      throw new IllegalArgumentException(
          "strategy %s: a finished graph has no width (expected: where the network is built)"
              .formatted(strategy));
    }
    ConvRewriting rewriting = new ConvRewriting(strategy);
    Map<String, List<Node>> replaced = new HashMap<>();
    Set<String> dropped = new HashSet<>();
    List<String> changed = new ArrayList<>();
    for (ConvUnit unit : units(graph)) {
      rewriting
          .rewrite(unit)
          .filter(nodes -> macs(nodes, unit) < macs(unit.nodes(), unit))
          .ifPresent(
              nodes -> {
                String conv = unit.nodes().get(0).name();
                changed.add(conv);
                replaced.put(conv, nodes);
                unit.nodes().forEach(node -> dropped.add(node.name()));
              });
    }
    if (changed.isEmpty()) {
      throw nothing(graph, strategy);
    }
    List<Node> nodes = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (!dropped.contains(node.name())) {
        nodes.add(node);
      }
      nodes.addAll(replaced.getOrDefault(node.name(), List.of()));
    }
    NetworkGraph after = new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes);
    return new Redesign(strategy, graph, named(after, graph, strategy), changed);
  }

  private static IllegalArgumentException nothing(NetworkGraph graph, DesignStrategy strategy) {
    return new IllegalArgumentException(
        "strategy %s changes nothing in %s: it has no %s that would become cheaper"
            .formatted(strategy, graph.name(), strategy.kind().subject()));
  }

  private static NetworkGraph named(
      NetworkGraph graph, NetworkGraph before, DesignStrategy strategy) {
    return new NetworkGraph(
        before.name() + "+" + strategy, graph.input(), graph.classes(), graph.nodes());
  }

  public NetworkCost costBefore() {
    return NetworkCost.of(before);
  }

  public NetworkCost costAfter() {
    return NetworkCost.of(after);
  }

  /** Units that may be rewritten. */
  private static List<ConvUnit> units(NetworkGraph graph) {
    Map<String, List<Node>> consumers = graph.consumers();
    Map<String, ImageShape> shapes = graph.shapes();
    String last = "";
    for (Node node : graph.nodes()) {
      boolean weighs = node.layer() instanceof Layer.Conv || node.layer() instanceof Layer.Linear;
      last = weighs ? node.name() : last;
    }
    List<ConvUnit> units = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (!(node.layer() instanceof Layer.Conv) || node.name().equals(last)) {
        continue;
      }
      String from = node.inputs().get(0);
      ImageShape input = shapes.getOrDefault(from, graph.input());
      boolean pixel = input.height() == 1 && input.width() == 1;
      if (!pixel) {
        boolean image = from.equals(graph.nodes().get(0).name());
        units.add(new ConvUnit(unit(node, consumers), input, image));
      }
    }
    return units;
  }

  private static List<Node> unit(Node conv, Map<String, List<Node>> consumers) {
    List<Node> nodes = new ArrayList<>(List.of(conv));
    for (Class<? extends Layer> kind : List.of(Layer.BatchNorm.class, Layer.Activation.class)) {
      List<Node> readers = consumers.getOrDefault(nodes.get(nodes.size() - 1).name(), List.of());
      if (readers.size() == 1 && kind.isInstance(readers.get(0).layer())) {
        nodes.add(readers.get(0));
      }
    }
    return nodes;
  }

  private static long macs(List<Node> nodes, ConvUnit unit) {
    Map<String, ImageShape> shapes = new HashMap<>(Map.of(unit.from(), unit.input()));
    long macs = 0;
    for (Node node : nodes) {
      List<ImageShape> inputs =
          node.inputs().stream().map(from -> shapes.getOrDefault(from, unit.input())).toList();
      ImageShape output = Shapes.output(node.layer(), inputs);
      shapes.put(node.name(), output);
      if (node.layer() instanceof Layer.Conv conv) {
        macs +=
            (long) conv.in()
                / conv.groups()
                * conv.kernelHeight()
                * conv.kernelWidth()
                * output.elements();
      }
    }
    return macs;
  }
}
