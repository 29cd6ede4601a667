package io.stillhouse.lab.tensor;

import io.stillhouse.lab.LabException;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a machine multiplies 16-bit floats by instructions of its own. Without them the engine
 * converts back and forth, and training is slower than in single precision.
 */
public final class Bf16Support {
  private static final List<String> FEATURES = List.of("avx512_bf16", "amx_bf16", "bf16");

  /** Limits on the engine's kernels that leave those instructions out. */
  private static final Set<String> WITHOUT =
      Set.of("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI");

  private Bf16Support() {}

  /**
   * Refuses what this machine should not train with; needs no engine.
   *
   * @throws LabException for {@link Arithmetic#BF16} where it would be no gain
   */
  public static void require(Arithmetic arithmetic) {
    if (arithmetic == Arithmetic.BF16) {
      missing(ProcessorFeatures.ofThisMachine(), System.getenv())
          .ifPresent(
              why -> {
                throw refused(why);
              });
    }
  }

  static LabException refused(String why) {
    return new LabException("arithmetic bf16", why, "Train in fp32");
  }

  /** What stands against it; empty when nothing does. */
  static Optional<String> missing(ProcessorFeatures features, Map<String, String> environment) {
    if (FEATURES.stream().noneMatch(features::has)) {
      return Optional.of(
          "the processor has none of " + String.join(", ", FEATURES) + ", and would be slower");
    }
    String limit = environment.getOrDefault(TensorRuntime.KERNELS, "").strip();
    return WITHOUT.contains(limit)
        ? Optional.of("%s=%s forbids the kernels for it".formatted(TensorRuntime.KERNELS, limit))
        : Optional.empty();
  }
}
