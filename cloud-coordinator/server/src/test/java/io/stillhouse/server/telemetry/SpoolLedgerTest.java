package io.stillhouse.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpoolLedgerTest {
  @Test
  void records_in_order_are_received_and_nothing_is_lost() {
    SpoolLedger ledger = new SpoolLedger("s");
    for (long seq = 1; seq <= 1_000; seq++) {
      assertThat(ledger.accept(seq, 0)).isTrue();
    }
    assertThat(ledger.totals().toLoss()).isEqualTo(new TelemetryLoss(1_000, 1_000, 0, 0, 0));
    assertThat(ledger.gaps()).isEmpty();
  }

  @Test
  void a_repeat_is_a_duplicate_and_a_hole_is_a_loss() {
    SpoolLedger ledger = new SpoolLedger("s");
    assertThat(ledger.accept(2, 0)).isTrue();
    assertThat(ledger.accept(2, 0)).isFalse();
    assertThat(ledger.accept(6, 0)).isTrue();
    assertThat(ledger.totals().toLoss()).isEqualTo(new TelemetryLoss(6, 2, 4, 1, 0));
    assertThat(ledger.gaps()).containsExactly(new SpoolLedger.Gap(1, 1), new SpoolLedger.Gap(3, 5));
    assertThat(ledger.accept(4, 0)).isTrue();
    assertThat(ledger.gaps())
        .containsExactly(
            new SpoolLedger.Gap(1, 1), new SpoolLedger.Gap(3, 3), new SpoolLedger.Gap(5, 5));
  }

  @Test
  void what_the_device_says_it_dropped_is_not_lost() {
    SpoolLedger ledger = new SpoolLedger("s");
    ledger.accept(1, 0);
    ledger.accept(10, 8);
    assertThat(ledger.totals().toLoss()).isEqualTo(new TelemetryLoss(10, 2, 0, 0, 8));
    ledger.accept(13, 8);
    assertThat(ledger.totals().toLoss()).isEqualTo(new TelemetryLoss(13, 3, 2, 0, 8));
  }

  @Test
  void gaps_stay_bounded_and_the_oldest_is_given_up() {
    SpoolLedger ledger = new SpoolLedger("s");
    long pairs = SpoolLedger.GAPS_MAX + 50L;
    for (long i = 1; i <= pairs; i++) {
      ledger.accept(2 * i, 0);
    }
    assertThat(ledger.gaps()).hasSize(SpoolLedger.GAPS_MAX);
    assertThat(ledger.totals().toLoss())
        .isEqualTo(new TelemetryLoss(2 * pairs, pairs, pairs, 0, 0));
    assertThat(ledger.accept(1, 0)).as("given up").isFalse();
    assertThat(ledger.accept(2 * pairs - 1, 0)).as("still told apart").isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89})
  void any_order_repetition_and_loss_is_counted_exactly(long seed) {
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    int sent = 200;
    List<Long> arrivals = new ArrayList<>();
    Set<Long> distinct = new HashSet<>();
    for (long seq = 1; seq <= sent; seq++) {
      int copies = random.nextInt(10) == 0 ? 0 : 1 + (random.nextInt(5) == 0 ? 2 : 0);
      for (int c = 0; c < copies; c++) {
        arrivals.add(seq);
        distinct.add(seq);
      }
    }
    Collections.shuffle(arrivals, random);
    SpoolLedger ledger = new SpoolLedger("s");
    Set<Long> accepted = new HashSet<>();
    for (long seq : arrivals) {
      boolean first = ledger.accept(seq, 0);
      assertThat(first).as("seed %d, seq %d", seed, seq).isEqualTo(accepted.add(seq));
      // A restart in between must change nothing.
      ledger = new SpoolLedger("s", ledger.totals(), ledger.gaps());
    }
    long highest = Collections.max(distinct);
    assertThat(ledger.totals().toLoss())
        .as("seed %d", seed)
        .isEqualTo(
            new TelemetryLoss(
                highest,
                distinct.size(),
                highest - distinct.size(),
                (long) arrivals.size() - distinct.size(),
                0));
  }

  @Test
  void a_new_spool_begins_its_own_account_and_old_ones_are_folded() throws Exception {
    DeviceLedger ledger = new DeviceLedger("d");
    int spools = DeviceLedger.SPOOLS_MAX + 4;
    for (int s = 0; s < spools; s++) {
      for (long seq = 1; seq <= 3; seq++) {
        ledger.accept(
            new DeviceRecord("d", "spool-" + s, seq, 0, Optional.empty(), Optional.empty()), 5);
      }
      ledger.accept(
          new DeviceRecord("d", "spool-" + s, 5, 0, Optional.empty(), Optional.empty()), 5);
    }
    assertThat(ledger.spools()).hasSize(DeviceLedger.SPOOLS_MAX);
    TelemetryLoss expected = new TelemetryLoss(5L * spools, 4L * spools, spools, 0, 0);
    assertThat(ledger.loss()).isEqualTo(expected);
    DeviceLedger back = TelemetryMapper.ledger(TelemetryMapper.ledger(ledger));
    assertThat(back.loss()).isEqualTo(expected);
    assertThat(back.heard()).isEqualTo(ledger.heard());
  }
}
