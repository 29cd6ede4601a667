package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.Layer;
import java.util.List;

/**
 * Tucker-2 of a convolution (Kim et al. 2016, arXiv 1511.06530): project the input channels to r3
 * by a pointwise layer, convolve r3 to r4 with the kernel, and spread r4 to the output channels by
 * another pointwise layer. W[o,i,y,x] = sum over p, q of U[o,p] core[p,q,y,x] V[i,q].
 *
 * <p>U and V are the leading eigenvectors of the two unfoldings (higher-order SVD), improved by
 * alternating: each is found again with the other projected away, which lowers the error in every
 * turn (De Lathauwer et al. 2000).
 */
final class TuckerDecomposition implements Decomposition {
  private static final int TURNS = 5;

  private final Layer.Conv conv;
  private final Tensor4 weight;
  private final Eigen byOut;
  private final Eigen byIn;

  TuckerDecomposition(Layer.Conv conv, Tensor4 weight) {
    this.conv = conv;
    this.weight = weight;
    this.byOut = new Eigen(LowRankMatrix.gram(weight.byOut()));
    this.byIn = new Eigen(LowRankMatrix.gram(weight.byIn()));
  }

  @Override
  public List<Layer> layers(Ranks ranks) {
    return layers(conv, ranks);
  }

  static List<Layer> layers(Layer.Conv conv, Ranks ranks) {
    return List.of(
        Decomposition.pointwise(conv.in(), ranks.in(), false),
        new Layer.Conv(
            ranks.in(),
            ranks.out(),
            conv.kernelHeight(),
            conv.kernelWidth(),
            conv.stride(),
            conv.padHeight(),
            conv.padWidth(),
            1,
            false),
        Decomposition.pointwise(ranks.out(), conv.out(), conv.bias()));
  }

  @Override
  public int levels() {
    return Math.max(conv.in(), conv.out());
  }

  /** Both ranks are the same share of their channels, rounded up. */
  @Override
  public Ranks ranks(int level) {
    int most = levels();
    return new Ranks((level * conv.in() + most - 1) / most, (level * conv.out() + most - 1) / most);
  }

  /**
   * What both projections lose adds up at worst, so each may lose half of what may be lost; then
   * the whole keeps at least what was asked.
   */
  @Override
  public Ranks ranksFor(double energyKept) {
    double each = 1 - (1 - energyKept) / 2;
    return new Ranks(byIn.leading(each), byOut.leading(each));
  }

  @Override
  public Factors factors(Ranks ranks) {
    double[][] u = vectors(byOut, ranks.out());
    double[][] v = vectors(byIn, ranks.in());
    for (int turn = 0; turn < TURNS; turn++) {
      u = vectors(new Eigen(LowRankMatrix.gram(projectedIn(weight, v).byOut())), ranks.out());
      v = vectors(new Eigen(LowRankMatrix.gram(projectedOut(weight, u).byIn())), ranks.in());
    }
    Tensor4 core = projectedOut(projectedIn(weight, v), u);
    float[] spread = new float[conv.out() * ranks.out()];
    for (int o = 0; o < conv.out(); o++) {
      for (int p = 0; p < ranks.out(); p++) {
        spread[o * ranks.out() + p] = (float) u[p][o];
      }
    }
    return new Factors(
        List.of(Decomposition.floats(v), core.floats(), spread), core.energy() / weight.energy());
  }

  private static double[][] vectors(Eigen eigen, int count) {
    double[][] vectors = new double[count][];
    for (int i = 0; i < count; i++) {
      vectors[i] = eigen.vector(i);
    }
    return vectors;
  }

  private static Tensor4 projectedIn(Tensor4 w, double[][] v) {
    Tensor4 projected = new Tensor4(w.out, v.length, w.height, w.width);
    for (int q = 0; q < v.length; q++) {
      for (int o = 0; o < w.out; o++) {
        for (int i = 0; i < w.in; i++) {
          for (int k = 0; k < w.height * w.width; k++) {
            int y = k / w.width;
            int x = k % w.width;
            projected.add(o, q, y, x, v[q][i] * w.get(o, i, y, x));
          }
        }
      }
    }
    return projected;
  }

  private static Tensor4 projectedOut(Tensor4 w, double[][] u) {
    Tensor4 projected = new Tensor4(u.length, w.in, w.height, w.width);
    for (int p = 0; p < u.length; p++) {
      for (int o = 0; o < w.out; o++) {
        for (int i = 0; i < w.in; i++) {
          for (int k = 0; k < w.height * w.width; k++) {
            int y = k / w.width;
            int x = k % w.width;
            projected.add(p, i, y, x, u[p][o] * w.get(o, i, y, x));
          }
        }
      }
    }
    return projected;
  }
}
