package io.stillhouse.lab.network;

import java.util.List;

/**
 * Entries beside a network's weights that tell training what must hold while weights move. They
 * travel with the network through trainers, and are taken off before it is kept.
 *
 * <ul>
 *   <li>{@code <node>.range}: (low, high) of the node's 8-bit result; training rounds the result to
 *       it, and the weights of layers that read it, as the 8-bit file will.
 *   <li>{@code <node>.bounds}: the same, but training moves it;
 *   <li>{@code <node>.mask}: of the shape of {@code <node>.weight}, 1 where a weight may move and 0
 *       where it is held at zero;
 *   <li>{@code <node>.palette}: the few values of a layer's weights, which training moves;
 *   <li>{@code <node>.places}: of the shape of {@code <node>.weight}, which of these values each
 *       weight is, from 0;
 *   <li>{@code <node>.shares}: of the shape of the palette, one over the number of weights that
 *       have the value;
 *   <li>{@code <node>.regressor}: a trained projection (teacher's channels, student's channels, 1,
 *       1) of the node's result, by which a hint compares it with the teacher's.
 * </ul>
 */
public final class TrainingMarks {
  public static final String RANGE = ".range";
  public static final String BOUNDS = ".bounds";
  public static final String MASK = ".mask";
  public static final String PALETTE = ".palette";
  public static final String PLACES = ".places";
  public static final String SHARES = ".shares";
  public static final String REGRESSOR = ".regressor";

  private static final List<String> KINDS =
      List.of(RANGE, BOUNDS, MASK, PALETTE, PLACES, SHARES, REGRESSOR);

  private TrainingMarks() {}

  /** The network alone. */
  public static Network without(Network network) {
    Network bare = network;
    for (String kind : KINDS) {
      bare = without(bare, kind);
    }
    return bare;
  }

  /** The network without marks of one kind. */
  public static Network without(Network network, String kind) {
    Weights.Builder weights = network.weights().toBuilder();
    for (String name : network.weights().names()) {
      if (name.endsWith(kind)) {
        weights.remove(name);
      }
    }
    return new Network(network.graph(), weights.build());
  }
}
