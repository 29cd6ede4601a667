package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.recipe.Factorisation;
import java.util.List;
import java.util.Optional;

/** Finds ranks for one layer, or a reason against all. */
final class RankChoice {
  /** By how much sums over all weights may miss the share that was asked for. */
  private static final double ENERGY_ROUNDING = 1e-6;

  private final Layer layer;
  private final Decomposition decomposition;
  private final ImageShape input;
  private String reason = "";

  RankChoice(Layer layer, Decomposition decomposition, ImageShape input) {
    this.layer = layer;
    this.decomposition = decomposition;
    this.input = input;
  }

  /** Ranks and the weights that the chain has with them. */
  record Chosen(Decomposition.Ranks ranks, Decomposition.Factors factors) {}

  /** Why the layer stays as it is; empty where ranks were found. */
  String reason() {
    return reason;
  }

  Optional<Chosen> of(Factorisation rule) {
    return rule.measure() == Factorisation.Measure.ENERGY
        ? forEnergy(rule.kept())
        : forMacs(rule.kept());
  }

  private Optional<Chosen> forEnergy(double kept) {
    if (!cheaper(decomposition.ranks(1), 1)) {
      return refused("even rank 1 takes no fewer multiplications and weights");
    }
    Decomposition.Ranks ranks = decomposition.ranksFor(kept);
    if (!cheaper(ranks, 1)) {
      return refused(
          "rank %s, which keeps %s of the energy, takes %d of %d multiplications and %d of %d weights"
              .formatted(
                  ranks,
                  kept,
                  ChainCost.macs(decomposition.layers(ranks), input),
                  ChainCost.macs(List.of(layer), input),
                  ChainCost.weights(decomposition.layers(ranks)),
                  ChainCost.weights(List.of(layer))));
    }
    Decomposition.Factors factors = decomposition.factors(ranks);
    if (factors.energyKept() < kept - ENERGY_ROUNDING) {
      return refused(
          "rank %s, the highest that is tried, keeps %.4f of the energy, less than %s"
              .formatted(ranks, factors.energyKept(), kept));
    }
    return Optional.of(new Chosen(ranks, factors));
  }

  private Optional<Chosen> forMacs(double share) {
    for (int level = decomposition.levels(); level >= 1; level--) {
      Decomposition.Ranks ranks = decomposition.ranks(level);
      if (cheaper(ranks, share)) {
        return Optional.of(new Chosen(ranks, decomposition.factors(ranks)));
      }
    }
    return refused("even rank 1 takes more than %s of the multiplications".formatted(share));
  }

  private Optional<Chosen> refused(String why) {
    reason = why;
    return Optional.empty();
  }

  private boolean cheaper(Decomposition.Ranks ranks, double share) {
    List<Layer> chain = decomposition.layers(ranks);
    long whole = ChainCost.macs(List.of(layer), input);
    long macs = ChainCost.macs(chain, input);
    return macs < whole
        && macs <= share * whole
        && ChainCost.weights(chain) < ChainCost.weights(List.of(layer));
  }
}
