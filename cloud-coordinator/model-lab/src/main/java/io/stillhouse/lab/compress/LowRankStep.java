package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.LowRank;
import io.stillhouse.model.recipe.Factorisation;
import io.stillhouse.model.recipe.Factorisation.Method;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Carries out a low-rank step: decomposes every layer that the method is for, keeps those chains
 * that take fewer multiplications and fewer weights than the layer, and says of the others why not.
 */
final class LowRankStep {
  private final StepContext context;

  LowRankStep(StepContext context) {
    this.context = context;
  }

  /**
   * A network with chains in it.
   *
   * @param layers what became of each layer, for the report
   * @param alone each layer that was factorised, factorised alone
   */
  record Factorised(
      Network network, List<Map<String, Object>> layers, List<LayerTrials.Trial> alone) {
    Factorised {
      layers = List.copyOf(layers);
      alone = List.copyOf(alone);
    }
  }

  /**
   * A layer as a product.
   *
   * @param saved share of its multiplications that it no longer takes
   */
  private record Product(List<Layer> chain, Decomposition.Factors factors, double saved) {}

  /** Refuses when no layer at all becomes cheaper. */
  Factorised run(Network network, LowRank step, Progress progress) {
    Factorised made = factorise(network, step.factorisation(), progress.part(0, 0.3));
    if (made.layers().stream().noneMatch(row -> row.containsKey("ranks"))) {
      throw new LabException(
          "recipe step lowRank",
          made.layers().isEmpty()
              ? "network %s has no layer that %s is for"
                  .formatted(
                      network.graph().name(), YamlFields.spelled(step.factorisation().method()))
              : "no layer becomes cheaper; the first, %s: %s"
                  .formatted(made.layers().get(0).get("layer"), made.layers().get(0).get("kept")),
          "Keep less energy, use another method, or leave the step out");
    }
    return new Factorised(
        context.fineTune(made.network(), step.epochs(), progress.part(0.3, 1)),
        made.layers(),
        made.alone());
  }

  private Factorised factorise(Network network, Factorisation rule, Progress progress) {
    NetworkGraph graph = network.graph();
    Map<String, ImageShape> shapes = graph.shapes();
    Map<String, Product> products = new LinkedHashMap<>();
    List<Map<String, Object>> rows = new ArrayList<>();
    for (int n = 0; n < graph.nodes().size(); n++) {
      Node node = graph.nodes().get(n);
      Optional<Decomposition> decomposition = decomposition(network, node, rule.method(), rows);
      if (decomposition.isEmpty()) {
        continue;
      }
      if (progress.cancelled()) {
        throw new CancelledException("lowRank");
      }
      progress.report("lowRank", (double) n / graph.nodes().size(), node.name());
      ImageShape input = shapes.getOrDefault(node.inputs().get(0), graph.input());
      RankChoice choice = new RankChoice(node.layer(), decomposition.get(), input);
      Optional<RankChoice.Chosen> chosen = choice.of(rule);
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("layer", node.name());
      if (chosen.isEmpty()) {
        row.put("kept", choice.reason());
      } else {
        Decomposition.Ranks ranks = chosen.get().ranks();
        Decomposition.Factors factors = chosen.get().factors();
        List<Layer> chain = decomposition.get().layers(ranks);
        long macsBefore = ChainCost.macs(List.of(node.layer()), input);
        long macsAfter = ChainCost.macs(chain, input);
        row.put("ranks", ranks.toString());
        row.put("macsBefore", macsBefore);
        row.put("macsAfter", macsAfter);
        row.put("energyKept", factors.energyKept());
        products.put(node.name(), new Product(chain, factors, 1 - (double) macsAfter / macsBefore));
      }
      rows.add(row);
    }
    List<LayerTrials.Trial> alone = new ArrayList<>();
    products.forEach(
        (name, product) ->
            alone.add(
                new LayerTrials.Trial(
                    name, product.saved(), () -> replaced(network, Map.of(name, product)))));
    return new Factorised(replaced(network, products), rows, alone);
  }

  private static Network replaced(Network network, Map<String, Product> products) {
    NetworkGraph graph = network.graph();
    List<Node> nodes = new ArrayList<>();
    Set<String> taken = new HashSet<>();
    graph.nodes().forEach(node -> taken.add(node.name()));
    Weights.Builder weights = network.weights().toBuilder();
    for (Node node : graph.nodes()) {
      Product product = products.get(node.name());
      if (product == null) {
        nodes.add(node);
      } else {
        replace(node, product, taken, nodes, weights);
      }
    }
    return new Network(
        new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes), weights.build());
  }

  private Optional<Decomposition> decomposition(
      Network network, Node node, Method method, List<Map<String, Object>> rows) {
    if (!suits(node.layer(), method)) {
      return Optional.empty();
    }
    String name = node.name() + ".weight";
    Tensor4 weight = Tensor4.of(network.weights().values(name), network.weights().shape(name));
    try {
      if (weight.energy() == 0) {
        throw new IllegalArgumentException("all its weights are zero");
      }
      return Optional.of(
          switch (method) {
            case SVD, SPATIAL_SVD -> new MatrixDecomposition(node.layer(), weight);
            case TUCKER2 -> new TuckerDecomposition((Layer.Conv) node.layer(), weight);
            case CP -> new CpDecomposition((Layer.Conv) node.layer(), weight, context.seed());
          });
    } catch (IllegalArgumentException e) {
      rows.add(Map.of("layer", node.name(), "kept", String.valueOf(e.getMessage())));
      return Optional.empty();
    }
  }

  private static boolean suits(Layer layer, Method method) {
    if (layer instanceof Layer.Linear) {
      return method == Method.SVD;
    }
    if (layer instanceof Layer.Conv conv && conv.groups() == 1) {
      boolean pointwise = conv.kernelHeight() * conv.kernelWidth() == 1;
      boolean both = conv.kernelHeight() > 1 && conv.kernelWidth() > 1;
      return method == Method.SVD ? pointwise : both;
    }
    return false;
  }

  /**
   * Chain nodes are {@code <node>.part1}, ...; the last keeps the name that others read. Where it
   * was the last of a chain before, numbers that are taken are left out.
   */
  private static void replace(
      Node node, Product product, Set<String> taken, List<Node> nodes, Weights.Builder weights) {
    List<Layer> chain = product.chain();
    weights.remove(node.name() + ".weight");
    List<String> inputs = node.inputs();
    int part = 1;
    for (int i = 0; i < chain.size(); i++) {
      String name = node.name();
      if (i < chain.size() - 1) {
        while (!taken.add(node.name() + ".part" + part)) {
          part++;
        }
        name = node.name() + ".part" + part;
      }
      nodes.add(new Node(name, chain.get(i), inputs));
      weights.put(
          name + ".weight", product.factors().weights().get(i), ChainCost.shape(chain.get(i)));
      inputs = List.of(name);
    }
  }
}
