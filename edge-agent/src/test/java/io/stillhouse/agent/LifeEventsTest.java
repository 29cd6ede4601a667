package io.stillhouse.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.reconcile.Phase;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LifeEventsTest {
  @ParameterizedTest
  @EnumSource
  void a_start_at_any_phase_is_no_news(Phase phase) {
    LifeEvents events = new LifeEvents();
    assertThat(events.of(phase)).isEmpty();
    assertThat(events.of(phase)).isEmpty();
  }

  @Test
  void each_end_of_an_update_is_told_once() {
    LifeEvents events = new LifeEvents();
    List<String> told =
        Stream.of(
                Phase.COMMITTED,
                Phase.OFFERED,
                Phase.FAILED,
                Phase.FAILED,
                Phase.OFFERED,
                Phase.PROBATION,
                Phase.PROBATION,
                Phase.ROLLED_BACK,
                Phase.OFFERED,
                Phase.PROBATION,
                Phase.COMMITTED)
            .map(events::of)
            .flatMap(Optional::stream)
            .toList();
    assertThat(told)
        .containsExactly("refused", "activated", "rolled_back", "activated", "committed");
  }
}
