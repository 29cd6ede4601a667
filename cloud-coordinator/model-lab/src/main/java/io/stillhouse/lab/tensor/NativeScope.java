package io.stillhouse.lab.tensor;

import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Frees what a piece of work allocated natively. Left to the garbage collector, which does not see
 * native memory, a training step leaves behind up to hundreds of megabytes.
 */
@SuppressWarnings("try") // The resources act by being closed.
final class NativeScope {
  private NativeScope() {}

  /** Runs the work and frees every tensor that it made; it returns plain values. */
  static <T> T run(Supplier<T> work) {
    try (PointerScope scope = new PointerScope()) {
      return work.get();
    }
  }

  /**
   * Runs the work and frees every tensor that it made but its result, which the caller's scope
   * gets.
   */
  static Tensor keepingResult(Supplier<Tensor> work) {
    PointerScope callers = PointerScope.getInnerScope();
    try (PointerScope scope = new PointerScope()) {
      Tensor result = work.get();
      callers.attach(result);
      return result;
    }
  }

  /** Runs the work in the caller's scope, without keeping what a gradient would need. */
  static Tensor keepingWithoutGradient(Supplier<Tensor> work) {
    try (NoGradGuard guard = new NoGradGuard()) {
      return work.get();
    }
  }

  /** As {@link #run}, without keeping what a gradient would need. */
  static <T> T withoutGradient(Supplier<T> work) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      return work.get();
    }
  }
}
