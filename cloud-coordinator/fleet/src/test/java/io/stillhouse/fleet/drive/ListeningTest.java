package io.stillhouse.fleet.drive;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class ListeningTest {
  private static final Instant START = Instant.parse("2030-01-01T00:00:00Z");

  @Test
  void looks_in_time_hear_since_the_first_and_a_late_one_begins_anew() {
    Listening listening = new Listening();
    assertThat(listening.since()).isEqualTo(Instant.MAX);
    Instant now = START;
    for (int look = 0; look < 100; look++) {
      assertThat(listening.look(now)).isEqualTo(START);
      now = now.plus(Listening.GAP_MAX);
    }
    assertThat(listening.look(now)).isEqualTo(START);
    Instant late = now.plus(Listening.GAP_MAX).plusMillis(1);
    assertThat(listening.look(late)).isEqualTo(late);
    assertThat(listening.look(late.plusMillis(1))).isEqualTo(late);
    assertThat(listening.since()).isEqualTo(late);
  }
}
