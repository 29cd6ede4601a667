package io.stillhouse.model.recipe;

import java.util.Locale;

/**
 * The numbers that a training step computes with. Weights, their gradients and momentum, running
 * statistics, linear layers and losses are in single precision either way, and so is inference.
 */
public enum Arithmetic {
  /** Single precision throughout. */
  FP32,

  /**
   * Convolutions multiply, and maps are kept, in 16 bits: the exponent of single precision and 8
   * bits of precision, so that gradients need no scaling. Source: Kalamkar et al. 2019, arXiv
   * 1905.12322.
   */
  BF16;

  /** As recipes and options name it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
