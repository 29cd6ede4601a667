package io.stillhouse.lab.compress;

/** Solves X G = B for X, with G symmetric and positive after a ridge, by Cholesky's factors. */
final class LeastSquares {
  private LeastSquares() {}

  /**
   * Rows of X.
   *
   * @param rows B, one row per unknown row
   * @param ridge added to the diagonal of G, as a share of its mean
   */
  static double[][] solve(double[][] rows, double[][] g, double ridge) {
    int n = g.length;
    double trace = 0;
    for (int i = 0; i < n; i++) {
      trace += g[i][i];
    }
    double[][] lower = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = g[i][j] + (i == j ? ridge * trace / n + Double.MIN_NORMAL : 0);
        for (int k = 0; k < j; k++) {
          sum -= lower[i][k] * lower[j][k];
        }
        // Rounding may eat the last of a pivot; the ridge is the least it can be.
        lower[i][j] =
            i == j
                ? Math.sqrt(Math.max(sum, ridge * trace / n * 1e-3 + 1e-300))
                : sum / lower[j][j];
      }
    }
    double[][] x = new double[rows.length][n];
    for (int row = 0; row < rows.length; row++) {
      double[] y = new double[n];
      for (int i = 0; i < n; i++) {
        double sum = rows[row][i];
        for (int k = 0; k < i; k++) {
          sum -= lower[i][k] * y[k];
        }
        y[i] = sum / lower[i][i];
      }
      for (int i = n - 1; i >= 0; i--) {
        double sum = y[i];
        for (int k = i + 1; k < n; k++) {
          sum -= lower[k][i] * x[row][k];
        }
        x[row][i] = sum / lower[i][i];
      }
    }
    return x;
  }
}
