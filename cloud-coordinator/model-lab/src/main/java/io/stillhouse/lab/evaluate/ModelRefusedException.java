package io.stillhouse.lab.evaluate;

import org.jspecify.annotations.Nullable;

/** A model file that the runtime does not load or run; the message is one line. */
public final class ModelRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ModelRefusedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
