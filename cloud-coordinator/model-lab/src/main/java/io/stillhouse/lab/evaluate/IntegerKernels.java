package io.stillhouse.lab.evaluate;

import io.stillhouse.lab.tensor.ProcessorFeatures;

/**
 * Whether ONNX Runtime's usual 8-bit kernels add exactly on this processor. On x86 without VNNI
 * they multiply bytes into sums of 16 bits that saturate, and a model gives other results than on
 * ARM. With VNNI sums have 32 bits and results are those of ARM bit by bit, at more than twice the
 * speed of the kernels that the runtime has for exactness elsewhere.
 */
final class IntegerKernels {
  private static final String EXACT_SUMS = "avx512_vnni";

  private IntegerKernels() {}

  /** For sessions: what is not known to be exact needs the runtime's exact kernels. */
  static boolean exact() {
    return exact(ProcessorFeatures.ofThisMachine());
  }

  /** True when every processor is known to have the feature. */
  static boolean exact(ProcessorFeatures features) {
    return features.has(EXACT_SUMS);
  }
}
