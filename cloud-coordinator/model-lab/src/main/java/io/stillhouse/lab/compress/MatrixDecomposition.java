package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.Layer;
import java.util.Arrays;
import java.util.List;

/**
 * A matrix of weights as two thinner ones, W = A B, in one of two readings.
 *
 * <p>Of a linear or pointwise layer the matrix is the weight itself, (out, in): in -> r -> out
 * (Denton et al. 2014, arXiv 1404.0736). Of a convolution its rows are (input channel, kernel row)
 * and its columns (output channel, kernel column): a column kernel to r channels, then a row kernel
 * (Jaderberg et al. 2014, arXiv 1405.3866). A stride is taken by the second layer, in both
 * directions, because a layer has one stride; the first then works at full resolution, and its cost
 * says so.
 */
final class MatrixDecomposition implements Decomposition {
  private final Layer layer;
  private final Tensor4 weight;
  private final LowRankMatrix matrix;

  MatrixDecomposition(Layer layer, Tensor4 weight) {
    this.layer = layer;
    this.weight = weight;
    this.matrix = new LowRankMatrix(spatial(layer) ? weight.bySpace() : weight.byOut());
  }

  private static boolean spatial(Layer layer) {
    return layer instanceof Layer.Conv conv && conv.kernelHeight() * conv.kernelWidth() > 1;
  }

  @Override
  public List<Layer> layers(Ranks ranks) {
    return layers(layer, ranks.in());
  }

  /** Layers of rank r in place of a layer. */
  static List<Layer> layers(Layer layer, int r) {
    if (layer instanceof Layer.Linear linear) {
      return List.of(
          new Layer.Linear(linear.in(), r, false),
          new Layer.Linear(r, linear.out(), linear.bias()));
    }
    Layer.Conv conv = (Layer.Conv) layer;
    if (!spatial(conv)) {
      return List.of(
          new Layer.Conv(
              conv.in(), r, 1, 1, conv.stride(), conv.padHeight(), conv.padWidth(), 1, false),
          Decomposition.pointwise(r, conv.out(), conv.bias()));
    }
    return List.of(
        new Layer.Conv(conv.in(), r, conv.kernelHeight(), 1, 1, conv.padHeight(), 0, 1, false),
        new Layer.Conv(
            r,
            conv.out(),
            1,
            conv.kernelWidth(),
            conv.stride(),
            0,
            conv.padWidth(),
            1,
            conv.bias()));
  }

  @Override
  public int levels() {
    return matrix.fullRank();
  }

  @Override
  public Ranks ranks(int level) {
    return new Ranks(level, level);
  }

  @Override
  public Ranks ranksFor(double energyKept) {
    return ranks(matrix.rankFor(energyKept));
  }

  @Override
  public Factors factors(Ranks ranks) {
    int r = ranks.in();
    double[][] left = matrix.left(r);
    double[][] right = matrix.right(r);
    double[] energies = matrix.energies();
    double kept = Arrays.stream(energies).limit(r).sum() / Arrays.stream(energies).sum();
    if (!spatial(layer)) {
      return new Factors(List.of(Decomposition.floats(right), Decomposition.floats(left)), kept);
    }
    Tensor4 column = new Tensor4(r, weight.in, weight.height, 1);
    Tensor4 row = new Tensor4(weight.out, r, 1, weight.width);
    for (int k = 0; k < r; k++) {
      for (int i = 0; i < weight.in; i++) {
        for (int y = 0; y < weight.height; y++) {
          column.add(k, i, y, 0, left[i * weight.height + y][k]);
        }
      }
      for (int o = 0; o < weight.out; o++) {
        for (int x = 0; x < weight.width; x++) {
          row.add(o, k, 0, x, right[k][o * weight.width + x]);
        }
      }
    }
    return new Factors(List.of(column.floats(), row.floats()), kept);
  }
}
