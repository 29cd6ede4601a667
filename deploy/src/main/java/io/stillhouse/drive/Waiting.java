package io.stillhouse.drive;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Waits on a condition, with a deadline that names what did not happen. */
public final class Waiting {
  private static final long POLL_MILLIS = 200;

  private final LongSupplier nanos;

  public Waiting(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** The first present answer of {@code question}, asked every 200 ms for at most {@code limit}. */
  public <T> T until(String what, Duration limit, String fix, Supplier<Optional<T>> question) {
    long deadline = nanos.getAsLong() + limit.toNanos();
    while (true) {
      Optional<T> answer = question.get();
      if (answer.isPresent()) {
        return answer.get();
      }
      if (nanos.getAsLong() > deadline) {
        throw new DriveException(what, "did not happen within " + limit.toSeconds() + " s", fix);
      }
      pause();
    }
  }

  private static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DriveException("waiting", "interrupted", "Run it again");
    }
  }
}
