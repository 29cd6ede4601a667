package io.stillhouse.server.pulse;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.testing.Eventually;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PulseTest {
  private final AtomicLong nanos = new AtomicLong(-5);

  @Test
  void what_was_never_heard_is_not_well() {
    Pulse pulse = new Pulse(Duration.ofSeconds(5), nanos::get);
    assertThat(pulse.alive()).isFalse();
    assertThat(pulse.awaitFirst(Duration.ZERO)).isFalse();
  }

  @Test
  void a_beat_counts_until_it_is_old_or_one_is_missed() {
    Pulse pulse = new Pulse(Duration.ofSeconds(5), nanos::get);
    pulse.beat();
    nanos.addAndGet(Duration.ofSeconds(5).toNanos());
    assertThat(pulse.alive()).isTrue();
    nanos.incrementAndGet();
    assertThat(pulse.alive()).as("too old").isFalse();
    pulse.beat();
    assertThat(pulse.alive()).isTrue();
    pulse.miss();
    assertThat(pulse.alive()).as("missed").isFalse();
    assertThat(pulse.awaitFirst(Duration.ZERO)).isTrue();
  }

  @Test
  void a_part_that_fails_or_hangs_is_told_from_one_that_answers() {
    AtomicBoolean fails = new AtomicBoolean(true);
    AtomicBoolean hangs = new AtomicBoolean();
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    try (Watch watch =
        Watch.start(
            "part",
            () -> {
              if (fails.get()) {
                asked.countDown();
                throw new IllegalStateException("away");
              }
              if (hangs.get()) {
                released.await();
              }
            },
            nanos::get)) {
      Eventually.holds("it was asked", () -> asked.getCount() == 0);
      assertThat(watch.pulse().alive()).isFalse();
      fails.set(false);
      Eventually.holds("it answers", watch.pulse()::alive);
      hangs.set(true);
      // Each look lets a second of the test's own time go by, and no answer comes any more.
      Eventually.holds(
          "its last answer is too old",
          () -> {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos());
            return !watch.pulse().alive();
          });
      released.countDown();
    }
  }
}
