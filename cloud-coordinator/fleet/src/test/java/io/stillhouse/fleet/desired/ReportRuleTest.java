package io.stillhouse.fleet.desired;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.fleet.desired.ReportRule.Effect;
import io.stillhouse.fleet.desired.ReportRule.Ingested;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportRuleTest {
  private static final Instant FIRST = Instant.parse("2030-01-01T00:00:00Z");
  private static final Instant LATER = FIRST.plusSeconds(60);
  private static final ReportedState VERIFYING =
      ReportedState.first(report("boot", 5, 7, 2, Phase.VERIFYING), FIRST);

  @Test
  void the_first_report_of_a_device_counts() {
    Ingested first =
        ReportRule.ingest(Optional.empty(), report("b", 1, 1, 1, Phase.IDLE), 1, FIRST);
    assertThat(first.effect()).isEqualTo(Effect.ACCEPTED);
    assertThat(first.next().orElseThrow().since()).isEqualTo(FIRST);
  }

  @Test
  void a_repeated_or_earlier_message_of_the_same_boot_changes_nothing() {
    for (long seq : new long[] {5, 4, -1}) {
      Ingested again = ingest(report("boot", seq, 7, 2, Phase.COMMITTED));
      assertThat(again.effect()).isEqualTo(Effect.DUPLICATE);
      assertThat(again.next()).hasValue(VERIFYING);
    }
  }

  @Test
  void a_new_boot_starts_its_own_numbers() {
    assertThat(ingest(report("next", 1, 7, 2, Phase.STAGED)).effect()).isEqualTo(Effect.ACCEPTED);
  }

  @Test
  void an_older_generation_or_attempt_is_history() {
    assertThat(ingest(report("boot", 6, 6, 9, Phase.COMMITTED)).effect()).isEqualTo(Effect.HISTORY);
    Ingested attempt = ingest(report("boot", 6, 7, 1, Phase.FAILED));
    assertThat(attempt.effect()).isEqualTo(Effect.HISTORY);
    assertThat(attempt.next().orElseThrow().standing()).isEqualTo(VERIFYING.standing());
    assertThat(attempt.next().orElseThrow().mark().seq()).isEqualTo(6);
  }

  @Test
  void a_phase_does_not_go_back_within_an_attempt_but_may_in_the_next() {
    assertThat(ingest(report("boot", 6, 7, 2, Phase.DOWNLOADING)).effect())
        .isEqualTo(Effect.REGRESSION);
    Ingested next = ingest(report("boot", 6, 7, 3, Phase.DOWNLOADING));
    assertThat(next.effect()).isEqualTo(Effect.ACCEPTED);
    assertThat(next.next().orElseThrow().since()).isEqualTo(LATER);
  }

  @Test
  void a_device_that_repeats_itself_makes_no_progress() {
    Ingested same = ingest(report("boot", 6, 7, 2, Phase.VERIFYING));
    assertThat(same.effect()).isEqualTo(Effect.REPEAT);
    assertThat(same.next().orElseThrow().since()).isEqualTo(FIRST);
  }

  @Test
  void a_generation_that_was_never_wanted_is_not_believed() {
    assertThat(ingest(report("boot", 6, 9, 1, Phase.COMMITTED)).effect())
        .isEqualTo(Effect.IMPOSSIBLE);
    assertThat(ingest(report("boot", 6, -1, 1, Phase.COMMITTED)).effect())
        .isEqualTo(Effect.IMPOSSIBLE);
  }

  @Test
  void bad_news_after_a_commitment_is_believed_and_good_news_after_a_failure_is_not() {
    ReportedState committed = ReportedState.first(report("boot", 5, 7, 1, Phase.COMMITTED), FIRST);
    Report failed = report("boot", 6, 7, 1, Phase.ROLLED_BACK);
    assertThat(ReportRule.ingest(Optional.of(committed), failed, 8, LATER).effect())
        .isEqualTo(Effect.ACCEPTED);
    Report recovered = report("boot", 7, 7, 1, Phase.COMMITTED);
    assertThat(
            ReportRule.ingest(Optional.of(ReportedState.first(failed, FIRST)), recovered, 8, LATER)
                .effect())
        .isEqualTo(Effect.REGRESSION);
  }

  private static Ingested ingest(Report report) {
    return ReportRule.ingest(Optional.of(VERIFYING), report, 8, LATER);
  }

  private static Report report(String boot, long seq, long generation, int attempt, Phase phase) {
    Optional<Digest> artifact = Optional.of(Digest.of("a".getBytes(StandardCharsets.UTF_8)));
    return new Report(
        new DeviceId("d"),
        new Report.Mark(boot, seq),
        new Report.Standing(generation, attempt, phase),
        new Report.Models(artifact, artifact, Optional.empty()),
        Report.Explanation.NONE);
  }
}
