package io.stillhouse.lab.network;

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
 *   <li>{@code <node>.regressor}: a trained projection (teacher's channels, student's channels, 1,
 *       1) of the node's result, by which a hint compares it with the teacher's.
 * </ul>
 */
public final class TrainingMarks {
  public static final String RANGE = ".range";
  public static final String BOUNDS = ".bounds";
  public static final String MASK = ".mask";
  public static final String REGRESSOR = ".regressor";

  private TrainingMarks() {}

  /** The network alone. */
  public static Network without(Network network) {
    return without(without(without(without(network, RANGE), BOUNDS), MASK), REGRESSOR);
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
