package io.stillhouse.agent.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Evidence;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Memory;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.Phase;
import io.stillhouse.agent.reconcile.Progress;
import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.Release;
import io.stillhouse.agent.reconcile.Slot;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.FakeDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JournalTest {
  private static final Path DIRECTORY = Path.of("/agent");
  private static final Path FILE = DIRECTORY.resolve("journal");

  private final FakeDisk disk = new FakeDisk();

  @BeforeEach
  void directory() {
    disk.createDirectories(DIRECTORY);
  }

  private static UpdateState full(long generation) {
    return new UpdateState(
        new Desired(
            generation,
            Optional.of(new Digest("b".repeat(64))),
            "rollout-1",
            2,
            Duration.ofMillis(1_500)),
        new Progress(Phase.PROBATION, 3, 2, 1),
        new Models(
            Optional.of(
                new Installed(Slot.A, new Digest("a".repeat(64)), new Release("inspect", 1, 4, 2))),
            Optional.empty(),
            Optional.of(
                new Installed(
                    Slot.C, new Digest("b".repeat(64)), new Release("inspect", 2, 5, 0)))),
        new Evidence(
            Optional.of(Refusal.passing(RefusalReason.NETWORK, "down")),
            Optional.of(
                new TestFigures(0.5, 0.9, new TestFigures.LatencyMicros(10, 20), 3_000, ""))),
        new Memory(
            List.of(new Memory.Quarantined(new Digest("c".repeat(64)), 4, RefusalReason.SELF_TEST)),
            Map.of("inspect", 4L, "sort", 1L)));
  }

  @Test
  void every_field_comes_back_as_it_was_written() throws IOException {
    Journal journal = new Journal(disk, FILE);
    journal.raiseTimeFloor(Instant.ofEpochMilli(1_700_000_000_123L));
    journal.raiseTimeFloor(Instant.EPOCH);
    journal.save(full(9));
    Journal again = new Journal(disk, FILE);
    assertThat(again.load().state()).contains(full(9));
    assertThat(again.timeFloor()).isEqualTo(Instant.ofEpochMilli(1_700_000_000_123L));
    journal.save(UpdateState.FRESH);
    assertThat(again.load().state()).contains(UpdateState.FRESH);
  }

  @Test
  void a_device_without_a_journal_is_new_and_not_damaged() {
    assertThat(new Journal(disk, FILE).load()).isEqualTo(new Journal.Loaded(Optional.empty(), ""));
  }

  @Test
  void a_cut_at_any_operation_leaves_the_old_record_or_the_new_one() throws IOException {
    for (long seed = 0; seed < 300; seed++) {
      for (FakeDisk.Loss loss : FakeDisk.Loss.values()) {
        for (int operation = 1; operation <= 4; operation++) {
          FakeDisk fresh = new FakeDisk();
          fresh.createDirectories(DIRECTORY);
          Journal journal = new Journal(fresh, FILE);
          journal.save(full(1));
          fresh.cutBefore(fresh.operations() + operation);
          try {
            journal.save(full(2));
          } catch (FakeDisk.PowerCut e) {
            // As asked for.
          }
          fresh.restart(loss, new Random(seed));
          assertThat(new Journal(fresh, FILE).load().state())
              .as("seed %d, loss %s, operation %d", seed, loss, operation)
              .hasValueSatisfying(
                  state -> assertThat(state.desired().generation()).isBetween(1L, 2L));
        }
      }
    }
  }

  @Test
  void a_disk_that_is_full_leaves_the_old_record() throws IOException {
    Journal journal = new Journal(disk, FILE);
    journal.save(full(1));
    disk.fullFrom(disk.operations());
    try {
      journal.save(full(2));
    } catch (IOException e) {
      // As asked for.
    }
    assertThat(journal.load().state()).contains(full(1));
  }

  @Test
  void ten_thousand_corruptions_are_all_noticed() throws IOException {
    Journal journal = new Journal(disk, FILE);
    journal.save(full(1));
    byte[] whole = disk.read(FILE, 1 << 20);
    for (long seed = 0; seed < 10_000; seed++) {
      Random random = new Random(seed);
      byte[] bytes = Corruption.of(whole, random);
      disk.write(FILE, bytes);
      Journal.Loaded loaded = journal.load();
      if (!java.util.Arrays.equals(bytes, whole)) {
        assertThat(loaded.state()).as("seed %d", seed).isEmpty();
        assertThat(loaded.damage()).as("seed %d", seed).isNotEmpty().doesNotContain("\n");
      }
    }
  }
}
