package io.stillhouse.fleet.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LivenessRuleTest {
  private static final Instant NOW = Instant.parse("2030-01-01T00:00:00Z");
  private static final LivenessRule RULE =
      new LivenessRule(Duration.ofSeconds(30), Duration.ofSeconds(90));

  @Test
  void silence_turns_online_into_stale_into_lost() {
    assertThat(seen(0)).isEqualTo(Liveness.ONLINE);
    assertThat(seen(29)).isEqualTo(Liveness.ONLINE);
    assertThat(seen(30)).isEqualTo(Liveness.STALE);
    assertThat(seen(89)).isEqualTo(Liveness.STALE);
    assertThat(seen(90)).isEqualTo(Liveness.LOST);
    assertThat(RULE.of(Optional.empty(), NOW)).isEqualTo(Liveness.NEVER_SEEN);
  }

  @Test
  void a_heartbeat_from_the_future_counts_as_now() {
    assertThat(seen(-3_600)).isEqualTo(Liveness.ONLINE);
  }

  private static Liveness seen(long secondsAgo) {
    return RULE.of(Optional.of(NOW.minusSeconds(secondsAgo)), NOW);
  }
}
