package io.stillhouse.model.network;

import io.stillhouse.model.graph.Layer.Activation.Function;

/**
 * One row kind of a family's table. Channel numbers are those at width 1; the family's rounding
 * makes the built ones. Where a row repeats, only its first copy has the stride.
 */
sealed interface Block {

  /** Channels that the row gives at width 1. */
  int out();

  /** Factor by which the row shrinks each side of its input. */
  int stride();

  /** The same row at stride 1: what the later repeats of a row are. */
  Block unstrided();

  /** Convolution, batch normalisation, activation. */
  record Plain(int out, int kernel, int stride, Function function) implements Block {
    @Override
    public Block unstrided() {
      return new Plain(out, kernel, 1, function);
    }
  }

  /**
   * Two 3x3 convolutions around an identity path (He et al. 2015). Where shape changes, the
   * identity is a 1x1 convolution with batch normalisation, which that paper calls option B.
   */
  record Residual(int out, int stride) implements Block {
    @Override
    public Block unstrided() {
      return new Residual(out, 1);
    }
  }

  /**
   * Depthwise 3x3 then pointwise 1x1, each with batch normalisation and activation (Howard et al.
   * 2017).
   */
  record Separable(int out, int stride, Function function) implements Block {
    @Override
    public Block unstrided() {
      return new Separable(out, 1, function);
    }
  }
}
