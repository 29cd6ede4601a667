package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.Layer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Canonical polyadic decomposition of a convolution (Lebedev et al. 2015, arXiv 1412.6553):
 * W[o,i,y,x] = sum over r of A[o,r] B[i,r] C[y,r] D[x,r], so a pointwise layer to R channels, a
 * depthwise column, a depthwise row and a pointwise layer. A stride is taken by the row.
 *
 * <p>Found by alternating least squares: with three factors fixed the fourth is a linear problem. A
 * small ridge keeps factors from growing against each other without bound, which is how this
 * decomposition degenerates.
 */
final class CpDecomposition implements Decomposition {
  /** Higher ranks are not tried: they take minutes and are seldom cheaper. */
  static final int RANK_MAX = 256;

  private static final int TURNS_MAX = 60;
  private static final double TURN_GAIN_MIN = 1e-6;
  private static final double RIDGE = 1e-7;

  private final Layer.Conv conv;
  private final Tensor4 weight;
  private final long seed;
  private final int rankMax;

  CpDecomposition(Layer.Conv conv, Tensor4 weight, long seed) {
    this(conv, weight, seed, RANK_MAX);
  }

  /** As above, with another bound on the rank. */
  CpDecomposition(Layer.Conv conv, Tensor4 weight, long seed, int rankMax) {
    this.conv = conv;
    this.weight = weight;
    this.seed = seed;
    this.rankMax = rankMax;
  }

  @Override
  public List<Layer> layers(Ranks ranks) {
    return layers(conv, ranks.in());
  }

  static List<Layer> layers(Layer.Conv conv, int r) {
    return List.of(
        Decomposition.pointwise(conv.in(), r, false),
        new Layer.Conv(r, r, conv.kernelHeight(), 1, 1, conv.padHeight(), 0, r, false),
        new Layer.Conv(r, r, 1, conv.kernelWidth(), conv.stride(), 0, conv.padWidth(), r, false),
        Decomposition.pointwise(r, conv.out(), conv.bias()));
  }

  /**
   * Full rank is not known for this decomposition; the number of pairs is enough for exactness, the
   * bound on the rank is not.
   */
  @Override
  public int levels() {
    int pairs = Math.min(conv.in(), conv.out()) * conv.kernelHeight() * conv.kernelWidth();
    return Math.min(rankMax, pairs);
  }

  @Override
  public Ranks ranks(int level) {
    return new Ranks(level, level);
  }

  /** By halving the interval: the fit rises with the rank, apart from unlucky starts. */
  @Override
  public Ranks ranksFor(double energyKept) {
    int low = 1;
    int high = levels();
    while (low < high) {
      int middle = (low + high) / 2;
      if (factors(ranks(middle)).energyKept() >= energyKept) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return ranks(low);
  }

  @Override
  public Factors factors(Ranks ranks) {
    int r = ranks.in();
    Random random = new Random(seed);
    int[] sides = {weight.out, weight.in, weight.height, weight.width};
    double[][][] factors = new double[4][][];
    for (int mode = 0; mode < 4; mode++) {
      factors[mode] = new double[sides[mode]][r];
      for (double[] row : factors[mode]) {
        for (int k = 0; k < r; k++) {
          row[k] = random.nextGaussian();
        }
      }
    }
    double kept = 0;
    for (int turn = 0; turn < TURNS_MAX; turn++) {
      for (int mode : new int[] {3, 2, 1, 0}) {
        factors[mode] = LeastSquares.solve(product(factors, mode), grams(factors, mode), RIDGE);
        if (mode != 0) {
          normalise(factors[mode]);
        }
      }
      double now = 1 - error(factors) / weight.energy();
      boolean settled = turn > 5 && now - kept < TURN_GAIN_MIN;
      kept = now;
      if (settled) {
        break;
      }
    }
    return new Factors(
        List.of(
            transposed(factors[1]),
            transposed(factors[2]),
            transposed(factors[3]),
            Decomposition.floats(factors[0])),
        kept);
  }

  /** For each row of one mode: the sum of weights times the product of the other three factors. */
  private double[][] product(double[][][] f, int mode) {
    double[][] sums = new double[f[mode].length][f[mode][0].length];
    int r = f[0][0].length;
    int[] at = new int[4];
    double[] row = new double[r];
    for (at[0] = 0; at[0] < weight.out; at[0]++) {
      for (at[1] = 0; at[1] < weight.in; at[1]++) {
        for (at[2] = 0; at[2] < weight.height; at[2]++) {
          for (at[3] = 0; at[3] < weight.width; at[3]++) {
            Arrays.fill(row, weight.get(at[0], at[1], at[2], at[3]));
            for (int other = 0; other < 4; other++) {
              double[] values = f[other][at[other]];
              for (int k = 0; k < (other == mode ? 0 : r); k++) {
                row[k] *= values[k];
              }
            }
            double[] sum = sums[at[mode]];
            for (int k = 0; k < r; k++) {
              sum[k] += row[k];
            }
          }
        }
      }
    }
    return sums;
  }

  private static double[][] grams(double[][][] f, int mode) {
    int r = f[0][0].length;
    double[][] all = new double[r][r];
    for (int a = 0; a < r; a++) {
      for (int b = 0; b < r; b++) {
        double product = 1;
        for (int other = 0; other < 4; other++) {
          double sum = 0;
          for (int i = 0; i < (other == mode ? 0 : f[other].length); i++) {
            sum += f[other][i][a] * f[other][i][b];
          }
          product *= other == mode ? 1 : sum;
        }
        all[a][b] = product;
      }
    }
    return all;
  }

  private double error(double[][][] f) {
    double error = 0;
    int r = f[0][0].length;
    for (int o = 0; o < weight.out; o++) {
      for (int i = 0; i < weight.in; i++) {
        for (int y = 0; y < weight.height; y++) {
          for (int x = 0; x < weight.width; x++) {
            double sum = 0;
            for (int k = 0; k < r; k++) {
              sum += f[0][o][k] * f[1][i][k] * f[2][y][k] * f[3][x][k];
            }
            double gap = weight.get(o, i, y, x) - sum;
            error += gap * gap;
          }
        }
      }
    }
    return error;
  }

  private static void normalise(double[][] factor) {
    for (int k = 0; k < factor[0].length; k++) {
      double squares = 0;
      for (double[] row : factor) {
        squares += row[k] * row[k];
      }
      double length = Math.sqrt(squares);
      for (double[] row : factor) {
        row[k] /= length > 0 ? length : 1;
      }
    }
  }

  private static float[] transposed(double[][] factor) {
    int r = factor[0].length;
    float[] values = new float[r * factor.length];
    for (int k = 0; k < r; k++) {
      for (int i = 0; i < factor.length; i++) {
        values[k * factor.length + i] = (float) factor[i][k];
      }
    }
    return values;
  }
}
