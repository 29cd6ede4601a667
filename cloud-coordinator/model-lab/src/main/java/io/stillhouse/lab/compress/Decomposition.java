package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.Layer;
import java.util.List;

/**
 * One layer's weight as a product of smaller ones: a chain of layers that together do what the
 * layer does, exactly at full rank and worse at lower ones. The last layer of a chain has the bias
 * of the first layer it replaces; the others have none, so that padding stays exact.
 */
interface Decomposition {

  /**
   * Ranks of a chain.
   *
   * @param in of the side of the input channels
   * @param out of the side of the output channels; equal to {@code in} where there is one rank
   */
  record Ranks(int in, int out) {
    @Override
    public String toString() {
      return in == out ? Integer.toString(in) : in + "," + out;
    }
  }

  /** The chain's layers, without weights: what it costs is known before anything is computed. */
  List<Layer> layers(Ranks ranks);

  /** How many levels of ranks there are; the highest is full rank, or the last that is tried. */
  int levels();

  /** Ranks of a level, counted from 1; they rise with it. */
  Ranks ranks(int level);

  /**
   * The smallest ranks that keep this share of the squared weights, or the highest that there are,
   * which may keep less: {@link Factors#energyKept} tells.
   */
  Ranks ranksFor(double energyKept);

  /** The weights of the chain, one for each layer, and the energy that is left in them. */
  Factors factors(Ranks ranks);

  /** Weights of a chain. */
  final class Factors {
    private final List<float[]> weights;
    private final double energyKept;

    Factors(List<float[]> weights, double energyKept) {
      this.weights = weights.stream().map(float[]::clone).toList();
      this.energyKept = energyKept;
    }

    List<float[]> weights() {
      return weights.stream().map(float[]::clone).toList();
    }

    double energyKept() {
      return energyKept;
    }
  }

  /** A pointwise convolution without bias. */
  static Layer.Conv pointwise(int in, int out, boolean bias) {
    return new Layer.Conv(in, out, 1, 1, 1, 0, 0, 1, bias);
  }

  /** A matrix as a weight, row-major. */
  static float[] floats(double[][] rows) {
    float[] values = new float[rows.length * rows[0].length];
    int at = 0;
    for (double[] row : rows) {
      for (double value : row) {
        values[at++] = (float) value;
      }
    }
    return values;
  }
}
