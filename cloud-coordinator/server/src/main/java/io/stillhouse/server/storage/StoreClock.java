package io.stillhouse.server.storage;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/** A distant clock, asked once a second and carried on by a monotonic one; never goes backwards. */
final class StoreClock implements InstantSource {
  private static final long SAMPLE_NANOS = Duration.ofSeconds(1).toNanos();

  private final InstantSource distant;
  private final LongSupplier nanos;
  private Instant sample = Instant.EPOCH;
  private long sampledAt;
  private boolean sampled;
  private Instant latest = Instant.EPOCH;

  StoreClock(InstantSource distant, LongSupplier nanos) {
    this.distant = distant;
    this.nanos = nanos;
  }

  @Override
  public synchronized Instant instant() {
    long now = nanos.getAsLong();
    if (!sampled || now - sampledAt >= SAMPLE_NANOS) {
      sample = distant.instant();
      sampledAt = now;
      sampled = true;
    }
    Instant told = sample.plusNanos(now - sampledAt);
    if (told.isAfter(latest)) {
      latest = told;
    }
    return latest;
  }
}
