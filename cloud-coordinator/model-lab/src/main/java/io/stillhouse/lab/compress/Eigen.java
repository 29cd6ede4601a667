package io.stillhouse.lab.compress;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix, largest first, by cyclic Jacobi
 * rotations: each rotation makes one pair of off-diagonal entries zero, and sweeps over all pairs
 * converge quadratically (Golub and Van Loan, Matrix Computations, section 8.5). Slow and exact,
 * and the same on every machine.
 */
final class Eigen {
  /** Larger matrices would take minutes. */
  static final int SIDE_MAX = 1_536;

  private static final int SWEEPS_MAX = 60;

  /** Off-diagonal share of the squared norm that counts as zero. */
  private static final double DONE = 1e-26;

  private final double[] values;
  private final double[][] vectors;

  /** Takes a copy of the matrix, as rows. */
  Eigen(double[][] symmetric) {
    int n = symmetric.length;
    if (n > SIDE_MAX) {
      throw new IllegalArgumentException(
          "a side of %d (expected: up to %d)".formatted(n, SIDE_MAX));
    }
    double[][] a = Arrays.stream(symmetric).map(double[]::clone).toArray(double[][]::new);
    // Rows of v are the vectors, so that a rotation touches two rows.
    double[][] v = new double[n][n];
    for (int i = 0; i < n; i++) {
      v[i][i] = 1;
    }
    double norm = squares(a, true);
    for (int sweep = 0; sweep < SWEEPS_MAX && squares(a, false) > DONE * norm; sweep++) {
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          rotate(a, v, p, q);
        }
      }
    }
    int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted((i, j) -> Double.compare(a[j][j], a[i][i]))
            .mapToInt(Integer::intValue)
            .toArray();
    values = Arrays.stream(order).mapToDouble(i -> Math.max(0, a[i][i])).toArray();
    vectors = Arrays.stream(order).mapToObj(i -> v[i]).toArray(double[][]::new);
  }

  private static void rotate(double[][] a, double[][] v, int p, int q) {
    if (a[p][q] == 0) {
      return;
    }
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
    double c = 1 / Math.sqrt(t * t + 1);
    double s = t * c;
    int n = a.length;
    for (int k = 0; k < n; k++) {
      double kp = a[k][p];
      double kq = a[k][q];
      a[k][p] = c * kp - s * kq;
      a[k][q] = s * kp + c * kq;
    }
    double[] rowP = a[p];
    double[] rowQ = a[q];
    double[] vectorP = v[p];
    double[] vectorQ = v[q];
    for (int k = 0; k < n; k++) {
      double pk = rowP[k];
      double qk = rowQ[k];
      rowP[k] = c * pk - s * qk;
      rowQ[k] = s * pk + c * qk;
      double vp = vectorP[k];
      double vq = vectorQ[k];
      vectorP[k] = c * vp - s * vq;
      vectorQ[k] = s * vp + c * vq;
    }
    a[p][q] = 0;
    a[q][p] = 0;
  }

  private static double squares(double[][] a, boolean diagonal) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a.length; j++) {
        sum += diagonal || i != j ? a[i][j] * a[i][j] : 0;
      }
    }
    return sum;
  }

  /** Eigenvalues, largest first; what rounding made negative is 0. */
  double[] values() {
    return values.clone();
  }

  /** The {@code i}-th eigenvector. */
  double[] vector(int i) {
    return vectors[i].clone();
  }

  /** Smallest number of leading values whose sum is at least this share of all; 1 or more. */
  int leading(double share) {
    double all = Arrays.stream(values).sum();
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += values[i];
      // A hair of tolerance, so that a share of 1 does not ask for directions of pure rounding.
      if (sum >= share * all * (1 - 1e-12)) {
        return i + 1;
      }
    }
    return values.length;
  }
}
