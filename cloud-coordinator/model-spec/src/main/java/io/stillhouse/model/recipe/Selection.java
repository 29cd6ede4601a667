package io.stillhouse.model.recipe;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * How a pruning step divides its removal: over layers, and over time.
 *
 * @param scope where channels are compared with each other
 * @param layerRatios ratios of single layers, by the name of the layer that makes the channels;
 *     they stand whatever the scope finds, 0 protects a layer
 * @param rounds removals, with training after each; the share that stays falls geometrically, so
 *     every round removes the same part of what is left
 */
public record Selection(Scope scope, Map<String, Double> layerRatios, int rounds) {
  /** More rounds than this remove single channels. */
  public static final int ROUNDS_MAX = 64;

  /** The same ratio everywhere, at once. */
  public static final Selection EVEN = new Selection(Scope.LAYER, Map.of(), 1);

  public Selection {
    // Sorted, so that equal selections also read alike: a run is known again by its arguments'
    // text,
    // and the order of Map.copyOf changes with each process.
    layerRatios = Collections.unmodifiableMap(new TreeMap<>(layerRatios));
    layerRatios.forEach(
        (layer, ratio) ->
            Expected.that(ratio >= 0 && ratio < 1, "layers." + layer, ratio, "0 <= ratio < 1"));
    Expected.that(rounds >= 1 && rounds <= ROUNDS_MAX, "rounds", rounds, "1 to " + ROUNDS_MAX);
  }

  /** Where channels are compared. */
  public enum Scope {
    /** Inside each layer: every layer loses the same share. */
    LAYER,
    /** Over the whole network: layers with unimportant channels lose more. */
    GLOBAL,
    /** Each layer loses as much as it can at the same small cost in accuracy, found by trying. */
    SENSITIVITY
  }
}
