package io.stillhouse.lab.teacher;

/**
 * Learning rate by step: a linear rise over the first part, then half a cosine down to zero.
 * Source: Loshchilov and Hutter 2016, arXiv 1608.03983, with warm-up after Goyal et al. 2017, arXiv
 * 1706.02677.
 *
 * @param peak highest rate
 * @param steps of the whole training
 */
record Schedule(double peak, long steps) {
  /** Share of the training that is spent rising. */
  private static final double WARM_UP = 0.15;

  /** Rate of a step, counted from 0. */
  double rate(long step) {
    double warm = Math.max(1, Math.round(steps * WARM_UP));
    if (step < warm) {
      return peak * (step + 1) / warm;
    }
    return peak * 0.5 * (1 + Math.cos(Math.PI * (step - warm) / Math.max(1, steps - warm)));
  }
}
