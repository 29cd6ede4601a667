package io.stillhouse.fleet.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TransitionTest {
  @Test
  void an_illegal_phase_transition_names_both_phases() {
    assertThatThrownBy(() -> RolloutPhase.ROLLED_BACK.become(RolloutPhase.RUNNING))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ROLLED_BACK -> RUNNING");
  }

  @Test
  void an_illegal_stage_transition_names_both_stages() {
    assertThatThrownBy(() -> WaveStage.OPEN.become(WaveStage.ANALYSING))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("OPEN -> ANALYSING");
    assertThatThrownBy(() -> WaveStage.CLOSED.become(WaveStage.CLOSED))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void every_phase_can_be_reached_and_every_phase_can_end() {
    assertThat(from(RolloutPhase.PLANNED)).containsExactlyInAnyOrder(RolloutPhase.values());
    for (RolloutPhase phase : RolloutPhase.values()) {
      assertThat(from(phase)).anyMatch(RolloutPhase::terminal);
    }
  }

  @Test
  void nothing_that_is_on_its_way_back_can_go_forward_again() {
    assertThat(from(RolloutPhase.ABORTING)).noneMatch(RolloutPhase::forward);
  }

  private static Set<RolloutPhase> from(RolloutPhase start) {
    Set<RolloutPhase> seen = EnumSet.of(start);
    ArrayDeque<RolloutPhase> open = new ArrayDeque<>(seen);
    while (!open.isEmpty()) {
      for (RolloutPhase next : open.remove().next()) {
        if (seen.add(next)) {
          open.add(next);
        }
      }
    }
    return seen;
  }
}
