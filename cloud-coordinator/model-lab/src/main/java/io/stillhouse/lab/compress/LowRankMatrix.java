package io.stillhouse.lab.compress;

/**
 * The best approximations of a matrix by products of two thinner ones (Eckart and Young 1936), for
 * every rank, from the eigenvectors of the smaller of its two products with itself.
 */
final class LowRankMatrix {
  private final double[][] matrix;
  private final boolean wide;
  private final Eigen eigen;

  /** Takes ownership of the rows. */
  LowRankMatrix(double[][] matrix) {
    this.matrix = matrix;
    this.wide = matrix.length <= matrix[0].length;
    this.eigen = new Eigen(wide ? gram(matrix) : gram(transposed(matrix)));
  }

  /** Squared singular values, largest first: the energy of each rank. */
  double[] energies() {
    return eigen.values();
  }

  int fullRank() {
    return Math.min(matrix.length, matrix[0].length);
  }

  /** Smallest rank that keeps this share of the energy. */
  int rankFor(double share) {
    return eigen.leading(share);
  }

  /** Left factor (rows, rank); each pair of column and row carries its singular value in halves. */
  double[][] left(int rank) {
    double[][] left = new double[matrix.length][rank];
    for (int r = 0; r < rank; r++) {
      double[] vector = eigen.vector(r);
      double root = root(r);
      for (int i = 0; i < matrix.length; i++) {
        left[i][r] = wide ? vector[i] * root : dot(matrix[i], vector) / root;
      }
    }
    return left;
  }

  /** Right factor (rank, columns). */
  double[][] right(int rank) {
    int columns = matrix[0].length;
    double[][] right = new double[rank][columns];
    for (int r = 0; r < rank; r++) {
      double[] vector = eigen.vector(r);
      double root = root(r);
      for (int i = 0; i < (wide ? matrix.length : 0); i++) {
        for (int j = 0; j < columns; j++) {
          right[r][j] += vector[i] * matrix[i][j] / root;
        }
      }
      for (int j = 0; j < (wide ? 0 : columns); j++) {
        right[r][j] = vector[j] * root;
      }
    }
    return right;
  }

  /** Fourth root of the energy; 1 for a direction without any, whose factors stay near zero. */
  private double root(int r) {
    double root = Math.sqrt(Math.sqrt(eigen.values()[r]));
    return root > 1e-9 ? root : 1;
  }

  /** Products of every pair of rows. */
  static double[][] gram(double[][] rows) {
    double[][] gram = new double[rows.length][rows.length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j <= i; j++) {
        gram[i][j] = dot(rows[i], rows[j]);
        gram[j][i] = gram[i][j];
      }
    }
    return gram;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double[][] transposed(double[][] a) {
    double[][] t = new double[a[0].length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < t.length; j++) {
        t[j][i] = a[i][j];
      }
    }
    return t;
  }
}
