package io.stillhouse.agent.inference;

import org.jspecify.annotations.Nullable;

/** A model cannot be run on this device as it is; the message says why in one line. */
public final class ModelRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ModelRefusedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
