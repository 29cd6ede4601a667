package io.stillhouse.model.recipe;

/**
 * How a layer's weight becomes a product of smaller ones, and how small.
 *
 * @param method which product, and so which layers
 * @param measure what {@code kept} is a share of
 * @param kept 0 < kept <= 1
 */
public record Factorisation(Method method, Measure measure, double kept) {
  public Factorisation {
    String field = measure == Measure.ENERGY ? "energyKept" : "macsKept";
    Expected.that(kept > 0 && kept <= 1, field, kept, "0 < kept <= 1");
  }

  /** The product. */
  public enum Method {
    /** Two layers in place of a linear or pointwise one (Denton et al. 2014). */
    SVD,
    /** A column and a row kernel in place of a convolution (Jaderberg et al. 2014). */
    SPATIAL_SVD,
    /** Pointwise, small kernel, pointwise in place of a convolution (Kim et al. 2016). */
    TUCKER2,
    /** Pointwise, column, row, pointwise in place of a convolution (Lebedev et al. 2015). */
    CP
  }

  /** What decides the rank. */
  public enum Measure {
    /** Share of the squared weights that the product keeps, at least. */
    ENERGY,
    /** Share of the layer's multiply-accumulates that the product takes, at most. */
    MACS
  }
}
