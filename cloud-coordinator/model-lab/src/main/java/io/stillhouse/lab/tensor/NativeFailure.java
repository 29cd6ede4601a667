package io.stillhouse.lab.tensor;

import io.stillhouse.lab.LabException;
import java.util.Locale;

/** What the engine throws, told to people. */
final class NativeFailure {
  private NativeFailure() {}

  /**
   * Turns an exception or error of the engine into one line. What the engine appends, a native
   * stack, is dropped; what is a line already is left as it is.
   */
  static LabException explain(String network, Throwable thrown) {
    if (thrown instanceof LabException known) {
      return known;
    }
    String text = String.valueOf(thrown.getMessage()).lines().findFirst().orElse("");
    String lower = text.toLowerCase(Locale.ROOT);
    boolean memory =
        thrown instanceof OutOfMemoryError
            || lower.contains("memory")
            || lower.contains("bad_alloc");
    return new LabException(
        "network " + network,
        memory ? "there is not enough memory (" + text + ")" : text,
        memory
            ? "Use a smaller batch or width, or give the lab more memory"
            : "Check that images and network have the same shape",
        thrown);
  }
}
