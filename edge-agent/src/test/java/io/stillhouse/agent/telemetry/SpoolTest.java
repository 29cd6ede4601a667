package io.stillhouse.agent.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolTest {
  private static final long BYTES_MAX = Spool.BYTES_MIN;

  @TempDir Path directory;

  private static OptionalLong append(Spool spool, String text) {
    return spool.append(List.of(seq -> text.getBytes(UTF_8)));
  }

  private static List<Long> pendingSeqs(Spool spool) throws IOException {
    return spool.read(1_000_000, 1 << 30).items().stream().map(SpoolBatch.Item::seq).toList();
  }

  /** Reads and acknowledges everything; returns the numbers. */
  private static List<Long> drain(Spool spool) throws IOException {
    List<Long> all = new ArrayList<>();
    for (List<Long> seqs = pendingSeqs(spool); !seqs.isEmpty(); seqs = pendingSeqs(spool)) {
      all.addAll(seqs);
      spool.ack(seqs.get(seqs.size() - 1));
    }
    return all;
  }

  private static List<Long> range(long first, long last) {
    return LongStream.rangeClosed(first, last).boxed().toList();
  }

  private List<Path> segmentFiles() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(f -> f.toString().endsWith(".segment")).sorted().toList();
    }
  }

  @Test
  void delivers_in_order_and_again_until_acknowledged() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      assertThat(append(spool, "a")).hasValue(1);
      assertThat(spool.append(List.of(s -> new byte[] {2}, s -> new byte[] {3}))).hasValue(3);
      assertThat(pendingSeqs(spool)).containsExactly(1L, 2L, 3L);
      assertThat(spool.read(2, 1 << 20).items()).hasSize(2);
      spool.ack(2);
      assertThat(spool.pending()).isEqualTo(1);
      assertThat(pendingSeqs(spool)).containsExactly(3L);
      spool.ack(3);
      assertThat(pendingSeqs(spool)).isEmpty();
      assertThat(append(spool, "d")).hasValue(4);
      assertThat(pendingSeqs(spool)).containsExactly(4L);
    }
  }

  @Test
  void numbers_cursor_and_identity_survive_a_restart() throws IOException {
    String id;
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      id = spool.spoolId();
      append(spool, "a");
      append(spool, "b");
      append(spool, "c");
      spool.read(1, 1 << 20);
      spool.ack(1);
    }
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      assertThat(spool.spoolId()).isEqualTo(id);
      assertThat(pendingSeqs(spool)).containsExactly(2L, 3L);
      assertThat(drain(spool)).containsExactly(2L, 3L);
    }
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      assertThat(pendingSeqs(spool)).isEmpty();
      assertThat(append(spool, "d")).hasValue(4);
    }
  }

  @Test
  void an_ack_of_what_was_not_delivered_is_refused() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      append(spool, "a");
      assertThatThrownBy(() -> spool.ack(1)).isInstanceOf(IllegalArgumentException.class);
      drain(spool);
      assertThatThrownBy(() -> spool.ack(1)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void a_segment_is_deleted_once_all_of_it_is_acknowledged() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      for (int i = 0; i < 12; i++) {
        append(spool, "x".repeat(1_000));
      }
      assertThat(segmentFiles()).hasSizeGreaterThan(3);
      drain(spool);
      assertThat(segmentFiles()).hasSize(1);
    }
  }

  @Test
  void beyond_the_bound_the_oldest_segment_is_dropped_and_counted_exactly() throws IOException {
    int records = 200;
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      for (int i = 0; i < records; i++) {
        assertThat(append(spool, "x".repeat(500))).hasValue(i + 1);
      }
      long bytes = 0;
      for (Path file : segmentFiles()) {
        bytes += Files.size(file);
      }
      assertThat(bytes).isLessThanOrEqualTo(BYTES_MAX);
      assertThat(spool.dropped()).isPositive();
      assertThat(spool.pending()).isEqualTo(records - spool.dropped());
    }
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      long dropped = spool.dropped();
      assertThat(drain(spool)).isEqualTo(range(dropped + 1, records));
      assertThat(append(spool, "next")).hasValue(records + 1);
      assertThat(spool.dropped()).isEqualTo(dropped);
    }
  }

  @Test
  void what_was_handed_out_is_not_dropped_because_it_may_have_arrived() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      append(spool, "x".repeat(500));
      append(spool, "x".repeat(500));
      SpoolBatch inFlight = spool.read(1, 1 << 20);
      for (int i = 0; i < 200; i++) {
        append(spool, "x".repeat(500));
      }
      assertThat(spool.dropped()).isPositive();
      spool.ack(inFlight.items().get(0).seq());
      List<Long> later = drain(spool);
      assertThat(later.get(0)).isEqualTo(2);
      assertThat(1 + later.size() + spool.dropped()).isEqualTo(202);
    }
  }

  @Test
  void a_record_larger_than_a_segment_is_dropped_and_counted() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      append(spool, "small");
      assertThat(append(spool, "x".repeat(20_000))).isEmpty();
      assertThat(append(spool, "small")).hasValue(3);
      assertThat(spool.dropped()).isEqualTo(1);
      assertThat(drain(spool)).containsExactly(1L, 3L);
    }
  }

  @Test
  void the_record_that_states_the_drop_count_includes_the_drop_it_caused() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      String padding = "x".repeat(500);
      while (spool.dropped() == 0) {
        spool.append(List.of(seq -> (spool.dropped() + padding).getBytes(UTF_8)));
      }
      SpoolBatch.Item last = null;
      for (SpoolBatch batch = spool.read(100, 1 << 20);
          !batch.isEmpty();
          batch = spool.read(100, 1 << 20)) {
        last = batch.items().get(batch.items().size() - 1);
        spool.ack(last.seq());
      }
      assertThat(new String(java.util.Objects.requireNonNull(last).payload(), UTF_8))
          .isEqualTo(spool.dropped() + padding);
    }
  }

  @Test
  void a_torn_end_is_cut_off_and_its_number_given_to_the_next_record() throws IOException {
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      append(spool, "whole");
      append(spool, "torn, as if its sync had never happened");
    }
    Path file = segmentFiles().get(0);
    long size = Files.size(file);
    try (var channel = java.nio.channels.FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(size - 3);
    }
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      assertThat(append(spool, "again")).hasValue(2);
      assertThat(drain(spool)).containsExactly(1L, 2L);
    }
  }

  @Test
  void garbage_and_zeros_after_the_last_record_are_never_delivered() throws IOException {
    for (byte[] garbage : List.of(new byte[100], "garbage garbage garbage".getBytes(UTF_8))) {
      try (Spool spool = Spool.open(directory, BYTES_MAX)) {
        append(spool, "good");
      }
      List<Path> files = segmentFiles();
      Files.write(files.get(files.size() - 1), garbage, StandardOpenOption.APPEND);
    }
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      assertThat(drain(spool)).containsExactly(1L, 2L);
      assertThat(spool.dropped()).isZero();
    }
  }

  @Test
  void a_full_disk_refuses_records_counts_them_and_recovers_by_itself() throws IOException {
    PowerCutStorage storage = new PowerCutStorage(new Random(1));
    Spool spool = Spool.open(storage, BYTES_MAX);
    assertThat(append(spool, "x".repeat(100))).hasValue(1);
    storage.fillUpTo(150);
    assertThat(append(spool, "x".repeat(100))).hasValue(2);
    assertThat(append(spool, "x".repeat(100))).isEmpty();
    assertThat(spool.append(List.of(s -> new byte[90], s -> new byte[90]))).isEmpty();
    assertThat(spool.dropped()).isEqualTo(3);
    assertThat(pendingSeqs(spool)).containsExactly(1L, 2L);
    storage.fillUpTo(1 << 20);
    assertThat(append(spool, "y")).hasValue(6);
    assertThat(spool.pending()).isEqualTo(3);
    Spool again = Spool.open(storage.afterPowerCut(), BYTES_MAX);
    assertThat(again.dropped()).isEqualTo(3);
    assertThat(drain(again)).containsExactly(1L, 2L, 6L);
  }

  @Test
  void damage_at_rest_costs_the_rest_of_its_segment_and_is_counted() throws IOException {
    for (long seed = 0; seed < 50; seed++) {
      PowerCutStorage storage = new PowerCutStorage(new Random(seed));
      Spool spool = Spool.open(storage, BYTES_MAX);
      for (int i = 0; i < 20; i++) {
        append(spool, "x".repeat(500));
      }
      String oldest =
          storage.list().stream().filter(n -> n.endsWith("segment")).sorted().findFirst().get();
      boolean whileOpen = seed % 2 == 0;
      storage.rot(oldest);
      Spool damaged = whileOpen ? spool : Spool.open(storage, BYTES_MAX);
      List<Long> delivered = drain(damaged);
      assertThat(delivered.size() + damaged.dropped()).as("seed " + seed).isEqualTo(20);
      assertThat(damaged.dropped()).as("seed " + seed).isBetween(1L, 6L);
      assertThat(append(damaged, "next")).hasValue(21);
    }
  }

  @Test
  void a_spool_whose_ledger_is_gone_begins_a_new_life() throws IOException {
    String id;
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      id = spool.spoolId();
      append(spool, "a");
    }
    Files.write(directory.resolve(SpoolLedger.FILE), new byte[SpoolLedger.FILE_BYTES]);
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      assertThat(spool.spoolId()).isNotEqualTo(id);
      assertThat(pendingSeqs(spool)).isEmpty();
      assertThat(append(spool, "a")).hasValue(1);
    }
  }
}
