package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.redesign.DesignStrategy;
import io.stillhouse.model.redesign.Redesign;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Carries out a redesign step: layers that stay keep their weights, new ones start from chance, and
 * the whole learns from the teacher at the rate of training from nothing. A narrower width keeps
 * the strongest channels, because a trained network's channels are unlike.
 */
final class RedesignStep {
  /** Narrower layers have a multiple of this many channels, as the light families round. */
  static final int CHANNELS_MULTIPLE = 8;

  private final StepContext context;

  RedesignStep(StepContext context) {
    this.context = context;
  }

  /**
   * A network of another design.
   *
   * @param layers names of the layers that were rewritten or narrowed
   */
  record Redesigned(Network network, List<String> layers) {
    Redesigned {
      layers = List.copyOf(layers);
    }
  }

  /** Refuses when the strategy changes nothing. */
  Redesigned run(Network network, Compression.Redesign step, Progress progress) {
    try {
      Redesigned made =
          step.strategy().kind() == DesignStrategy.Kind.WIDTH
              ? narrow(network, step.strategy())
              : rewrite(network, step.strategy());
      return new Redesigned(
          context.fineTune(made.network(), step.epochs(), 1, progress), made.layers());
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "recipe step redesign",
          String.valueOf(e.getMessage()),
          "Take another strategy, or leave the step out for this network",
          e);
    }
  }

  private Redesigned rewrite(Network network, DesignStrategy strategy) {
    Redesign redesign = Redesign.of(network.graph(), strategy);
    return new Redesigned(
        new Network(redesign.after(), carriedOver(network, redesign.after(), context.seed())),
        redesign.changed());
  }

  private Redesigned narrow(Network network, DesignStrategy width) {
    Compression.Prune prune =
        new Compression.Prune(1 - width.number(), Importance.L1, CHANNELS_MULTIPLE, 0);
    Network narrow = new PruneStep(context).untrained(network, prune);
    Set<Node> same = new HashSet<>(network.graph().nodes());
    List<String> layers =
        narrow.graph().nodes().stream()
            .filter(node -> node.layer() instanceof Layer.Conv && !same.contains(node))
            .map(Node::name)
            .toList();
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          "strategy %s changes nothing in %s: no layer has channels to spare at a multiple of %d"
              .formatted(width, network.graph().name(), CHANNELS_MULTIPLE));
    }
    return new Redesigned(narrow, layers);
  }

  /**
   * Old weights where a layer is as it was, new ones elsewhere. A normalisation behind a new layer
   * starts anew as well: its statistics are those of another map.
   */
  private static Weights carriedOver(Network network, NetworkGraph after, long seed) {
    Set<Node> before = new HashSet<>(network.graph().nodes());
    Set<String> fresh = new HashSet<>();
    for (Node node : after.nodes()) {
      boolean restarts =
          node.layer() instanceof Layer.BatchNorm && fresh.contains(node.inputs().get(0));
      if (restarts || !before.contains(node)) {
        fresh.add(node.name());
      }
    }
    Weights chance = RandomWeights.of(after, seed).weights();
    Weights.Builder weights = Weights.builder();
    for (String name : chance.names()) {
      String node = name.substring(0, name.lastIndexOf('.'));
      Weights from = fresh.contains(node) ? chance : network.weights();
      weights.put(name, from.values(name), from.shape(name));
    }
    return weights.build();
  }
}
