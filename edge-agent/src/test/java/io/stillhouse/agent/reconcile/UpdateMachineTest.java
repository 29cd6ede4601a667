package io.stillhouse.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.reconcile.Observation.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UpdateMachineTest {
  private static final Digest OLD = new Digest("a".repeat(64));
  private static final Digest NEW = new Digest("b".repeat(64));
  private static final Digest NEWER = new Digest("c".repeat(64));
  private static final Installed COMMITTED =
      new Installed(Slot.A, OLD, new Release("inspect", 1, 3, 0));
  private static final Installed TRIAL =
      new Installed(Slot.B, NEW, new Release("inspect", 2, 4, 0));
  private static final TestFigures FIGURES =
      new TestFigures(0, 1, new TestFigures.LatencyMicros(10, 20), 1_000, "");
  private static final Refusal BAD = Refusal.permanent(RefusalReason.BAD_DIGEST, "off");

  private static Desired want(long generation, Digest digest) {
    return new Desired(generation, Optional.of(digest), "r", 1, Duration.ofSeconds(5));
  }

  /** A device that runs OLD and has just been offered NEW. */
  private static UpdateState offered() {
    UpdateState settled =
        UpdateState.FRESH.with(
            new Models(Optional.of(COMMITTED), Optional.empty(), Optional.empty()));
    return UpdateMachine.next(settled, Observation.desired(want(7, NEW)));
  }

  /** The ordinary way to a phase. */
  private static UpdateState at(Phase phase) {
    UpdateState state = offered();
    for (Observation step :
        List.of(
            Observation.of(Kind.ACCEPTED),
            Observation.of(Kind.DOWNLOADED),
            Observation.verified(TRIAL),
            Observation.of(Kind.TRIAL_BEGUN),
            Observation.tested(FIGURES),
            Observation.of(Kind.PROVEN))) {
      if (state.phase() == phase) {
        return state;
      }
      state = UpdateMachine.next(state, step);
    }
    return switch (phase) {
      case COMMITTED -> state;
      case IDLE -> UpdateState.FRESH;
      case ROLLING_BACK -> UpdateMachine.next(at(Phase.PROBATION), Observation.refused(BAD));
      case ROLLED_BACK -> UpdateMachine.next(at(Phase.ROLLING_BACK), Observation.of(Kind.RESTORED));
      case FAILED -> UpdateMachine.next(at(Phase.DOWNLOADING), Observation.refused(BAD));
      case FAILED_RETRYABLE ->
          UpdateMachine.next(
              at(Phase.DOWNLOADING),
              Observation.refused(Refusal.passing(RefusalReason.NETWORK, "down")));
      case INCOMPATIBLE ->
          UpdateMachine.next(
              at(Phase.OFFERED),
              Observation.refused(Refusal.permanent(RefusalReason.WRONG_CLASS, "other board")));
      case ALREADY_SATISFIED ->
          UpdateMachine.next(at(Phase.COMMITTED), Observation.desired(want(8, NEW)));
      default -> throw new AssertionError(phase);
    };
  }

  @Test
  void a_good_model_passes_every_phase_and_the_old_one_becomes_the_fallback() {
    UpdateState done = at(Phase.COMMITTED);
    assertThat(done.models().committed()).contains(TRIAL);
    assertThat(done.models().fallback()).contains(COMMITTED);
    assertThat(done.models().trial()).isEmpty();
    assertThat(done.evidence().selfTest()).contains(FIGURES);
    assertThat(done.memory().floor("inspect")).isEqualTo(3);
  }

  @ParameterizedTest
  @EnumSource
  void an_error_in_any_phase_ends_where_the_table_says(Phase phase) {
    UpdateState state = at(phase);
    if (!Task.of(phase).equals(Task.REST)
        && phase != Phase.FAILED_RETRYABLE
        && phase != Phase.ROLLING_BACK) {
      UpdateState after = UpdateMachine.next(state, Observation.refused(BAD));
      assertThat(after.phase()).isEqualTo(phase.onTrial() ? Phase.ROLLING_BACK : Phase.FAILED);
      assertThat(after.live()).contains(COMMITTED);
      assertThat(after.models().committed()).contains(COMMITTED);
      assertThat(after.evidence().refusal()).contains(BAD);
    } else {
      assertThatThrownBy(() -> UpdateMachine.next(state, Observation.refused(BAD)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(phase.name())
          .hasMessageContaining("REFUSED");
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_kill_in_any_phase_goes_on_as_the_power_cut_table_says(Phase phase) {
    UpdateState before = at(phase);
    UpdateState once = UpdateMachine.next(before, Observation.of(Kind.BOOTED));
    if (phase.onTrial()) {
      assertThat(once.phase()).isEqualTo(Phase.SELF_TEST);
      assertThat(once.progress().abnormalExits()).isEqualTo(1);
      assertThat(once.progress().attempt()).isEqualTo(before.progress().attempt() + 1);
    } else {
      assertThat(once).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_second_kill_changes_no_more_than_the_first(Phase phase) {
    UpdateState once = UpdateMachine.next(at(phase), Observation.of(Kind.BOOTED));
    UpdateState twice = UpdateMachine.next(once, Observation.of(Kind.BOOTED));
    if (phase.onTrial()) {
      assertThat(twice.phase()).isEqualTo(Phase.SELF_TEST);
      UpdateState thrice = UpdateMachine.next(twice, Observation.of(Kind.BOOTED));
      assertThat(thrice.phase()).isEqualTo(Phase.ROLLING_BACK);
      assertThat(thrice.evidence().refusal().orElseThrow().reason())
          .isEqualTo(RefusalReason.CRASH_LOOP);
      assertThat(thrice.memory().quarantine()).extracting(q -> q.digest()).containsExactly(NEW);
      assertThat(thrice.live()).contains(COMMITTED);
      assertThat(UpdateMachine.next(thrice, Observation.of(Kind.BOOTED))).isEqualTo(thrice);
    } else {
      assertThat(twice).isEqualTo(once);
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_stop_that_was_asked_for_is_no_abnormal_exit(Phase phase) {
    UpdateState stopped = UpdateMachine.next(at(phase), Observation.of(Kind.STOPPING));
    for (int i = 0; i < 10; i++) {
      stopped = UpdateMachine.next(stopped, Observation.of(Kind.BOOTED));
    }
    assertThat(stopped.progress().abnormalExits()).isZero();
    assertThat(stopped.phase()).isEqualTo(phase.onTrial() ? Phase.STAGED : phase);
  }

  @ParameterizedTest
  @EnumSource
  void a_newer_generation_supersedes_every_phase_and_an_older_one_none(Phase phase) {
    UpdateState state = at(phase);
    long generation = state.desired().generation();
    if (generation > 0) {
      assertThat(UpdateMachine.next(state, Observation.desired(want(generation, NEWER))))
          .isSameAs(state);
    }
    UpdateState next = UpdateMachine.next(state, Observation.desired(want(generation + 3, NEWER)));
    assertThat(next.phase()).isEqualTo(Phase.OFFERED);
    assertThat(next.progress()).isEqualTo(Progress.first(Phase.OFFERED));
    assertThat(next.models().trial()).isEmpty();
    assertThat(next.models().committed()).isEqualTo(state.models().committed());
    assertThat(next.live()).isEqualTo(state.models().committed());
  }

  @Test
  void the_same_model_at_a_newer_generation_is_already_satisfied() {
    assertThat(at(Phase.ALREADY_SATISFIED).live()).contains(TRIAL);
  }

  @Test
  void wanting_no_model_stops_the_committed_one_and_keeps_it_as_the_fallback() {
    UpdateState none =
        UpdateMachine.next(
            at(Phase.COMMITTED),
            Observation.desired(new Desired(9, Optional.empty(), "", 0, Duration.ZERO)));
    assertThat(none.phase()).isEqualTo(Phase.COMMITTED);
    assertThat(none.live()).isEmpty();
    assertThat(none.models().fallback()).contains(TRIAL);
    assertThat(
            UpdateMachine.next(
                    none,
                    Observation.desired(new Desired(10, Optional.empty(), "", 0, Duration.ZERO)))
                .phase())
        .isEqualTo(Phase.ALREADY_SATISFIED);
  }

  @Test
  void rolling_back_to_the_fallback_needs_no_third_bundle_and_keeps_its_floor() {
    UpdateState back = UpdateMachine.next(at(Phase.COMMITTED), Observation.desired(want(8, OLD)));
    back = UpdateMachine.next(back, Observation.of(Kind.HELD));
    back = UpdateMachine.next(back, Observation.verified(COMMITTED));
    assertThat(back.models().slotsInUse()).containsExactly(Slot.A, Slot.B);
    back = UpdateMachine.next(back, Observation.of(Kind.TRIAL_BEGUN));
    assertThat(back.phase()).as("tested when it was new").isEqualTo(Phase.PROBATION);
    assertThat(UpdateMachine.next(back, Observation.of(Kind.BOOTED)).phase())
        .isEqualTo(Phase.PROBATION);
    back = UpdateMachine.next(back, Observation.of(Kind.PROVEN));
    assertThat(back.models().committed()).contains(COMMITTED);
    assertThat(back.models().fallback()).contains(TRIAL);
    assertThat(back.memory().floor("inspect")).isEqualTo(3);
  }

  @Test
  void a_fallback_that_fails_its_own_trial_is_dropped_and_the_committed_model_stays() {
    UpdateState back = UpdateMachine.next(at(Phase.COMMITTED), Observation.desired(want(8, OLD)));
    back = UpdateMachine.next(back, Observation.of(Kind.HELD));
    back = UpdateMachine.next(back, Observation.verified(COMMITTED));
    back = UpdateMachine.next(back, Observation.of(Kind.TRIAL_BEGUN));
    back = UpdateMachine.next(back, Observation.refused(BAD));
    back = UpdateMachine.next(back, Observation.of(Kind.RESTORED));
    assertThat(back.phase()).isEqualTo(Phase.ROLLED_BACK);
    assertThat(back.live()).contains(TRIAL);
    assertThat(back.models().fallback()).isEmpty();
  }

  @Test
  void a_network_that_is_down_never_makes_a_device_give_up_but_other_passing_failures_do() {
    Refusal network = Refusal.passing(RefusalReason.NETWORK, "down");
    UpdateState state = offered();
    for (int i = 0; i < 1_000; i++) {
      state = UpdateMachine.next(state, Observation.refused(network));
      assertThat(state.phase()).isEqualTo(Phase.FAILED_RETRYABLE);
      state = UpdateMachine.next(state, Observation.of(Kind.RETRY_DUE));
    }
    Refusal full = Refusal.passing(RefusalReason.NO_SPACE, "full");
    int failures = 0;
    while (state.phase() != Phase.FAILED) {
      state = UpdateMachine.next(state, Observation.refused(full));
      failures++;
      if (state.phase() == Phase.FAILED_RETRYABLE) {
        state = UpdateMachine.next(state, Observation.of(Kind.RETRY_DUE));
      }
    }
    assertThat(failures).isEqualTo(UpdateMachine.PASSING_FAILURES_MAX);
  }

  @Test
  void a_bundle_can_never_be_staged_over_the_committed_one_or_under_another_name() {
    UpdateState state = at(Phase.VERIFYING);
    assertThatThrownBy(
            () ->
                UpdateMachine.next(
                    state, Observation.verified(new Installed(Slot.A, NEW, TRIAL.release()))))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(
            () ->
                UpdateMachine.next(
                    state, Observation.verified(new Installed(Slot.B, NEWER, TRIAL.release()))))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void nothing_but_a_newer_generation_moves_a_device_out_of_committed() {
    UpdateState committed = at(Phase.COMMITTED);
    for (Kind kind : Kind.values()) {
      if (kind == Kind.DESIRED || kind == Kind.BOOTED || kind == Kind.STOPPING) {
        continue;
      }
      assertThatThrownBy(
              () ->
                  UpdateMachine.next(
                      committed,
                      new Observation(
                          kind,
                          new Observation.Payload(
                              Optional.empty(),
                              Optional.of(TRIAL),
                              Optional.of(BAD),
                              Optional.of(FIGURES)))))
          .as(kind.name())
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void a_signed_minimum_raises_the_floor_at_commit_only_and_the_floor_never_falls() {
    Installed raising = new Installed(Slot.B, NEW, new Release("inspect", 2, 9, 8));
    UpdateState state = UpdateMachine.next(at(Phase.VERIFYING), Observation.verified(raising));
    assertThat(state.memory().floor("inspect")).isZero();
    state = UpdateMachine.next(state, Observation.of(Kind.TRIAL_BEGUN));
    state = UpdateMachine.next(state, Observation.tested(FIGURES));
    state = UpdateMachine.next(state, Observation.of(Kind.PROVEN));
    assertThat(state.memory().floor("inspect")).isEqualTo(8);
    assertThat(state.memory().committing(at(Phase.COMMITTED).models()).floor("inspect"))
        .isEqualTo(8);
  }

  @Test
  void no_walk_of_legal_observations_loses_the_committed_model_or_lets_a_floor_fall() {
    for (long seed = 1; seed <= 2_000; seed++) {
      Random random = new Random(seed);
      UpdateState state = UpdateState.FRESH;
      long generation = 0;
      for (int step = 0; step < 60; step++) {
        List<Observation> possible = new ArrayList<>();
        Desired next = want(++generation, List.of(OLD, NEW, NEWER).get(random.nextInt(3)));
        possible.add(Observation.desired(next));
        possible.add(Observation.of(Kind.BOOTED));
        possible.add(Observation.of(Kind.STOPPING));
        for (int weight = 0; weight < 6; weight++) {
          legal(state, random).ifPresent(possible::add);
        }
        UpdateState before = state;
        state = UpdateMachine.next(state, possible.get(random.nextInt(possible.size())));
        String where = "seed %d, step %d: %s -> %s".formatted(seed, step, before, state);
        assertThat(state.models().committed().isPresent() || before.models().committed().isEmpty())
            .as(where)
            .isTrue();
        assertThat(state.memory().floor("inspect"))
            .as(where)
            .isGreaterThanOrEqualTo(before.memory().floor("inspect"));
        if (state.models().committed().isPresent() && state.models().trial().isPresent()) {
          assertThat(state.models().trial().get().slot())
              .as(where)
              .isNotEqualTo(state.models().committed().get().slot());
        }
        state
            .models()
            .committed()
            .ifPresent(c -> assertThat(c.release().counter()).isGreaterThanOrEqualTo(0));
      }
    }
  }

  private static Optional<Observation> legal(UpdateState state, Random random) {
    boolean bad = random.nextInt(4) == 0;
    return switch (Task.of(state.phase())) {
      case REST -> Optional.empty();
      case WAIT -> Optional.of(Observation.of(Kind.RETRY_DUE));
      case RESTORE -> Optional.of(Observation.of(Kind.RESTORED));
      case CHECK_OFFER ->
          Optional.of(bad ? Observation.refused(BAD) : Observation.of(Kind.ACCEPTED));
      case DOWNLOAD ->
          Optional.of(
              bad
                  ? Observation.refused(Refusal.passing(RefusalReason.NETWORK, "down"))
                  : Observation.of(Kind.DOWNLOADED));
      case VERIFY -> {
        Digest digest = state.desired().artifact().orElseThrow();
        long counter = digest.sha256Hex().charAt(0);
        yield Optional.of(
            bad
                ? Observation.refused(BAD)
                : Observation.verified(
                    state
                        .models()
                        .holding(digest)
                        .orElse(
                            new Installed(
                                state.models().freeSlot(),
                                digest,
                                new Release("inspect", 1, counter, 0)))));
      }
      case BEGIN_TRIAL -> Optional.of(Observation.of(Kind.TRIAL_BEGUN));
      case RUN_SELF_TEST ->
          Optional.of(bad ? Observation.refused(BAD) : Observation.tested(FIGURES));
      case WATCH_TRIAL -> Optional.of(bad ? Observation.refused(BAD) : Observation.of(Kind.PROVEN));
    };
  }
}
