package io.stillhouse.agent.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills a process that appends and drains, again and again, and looks at what it left behind. */
@Timeout(180)
class SpoolKillTest {
  private static final int KILLS = 8;
  private static final long BYTES_MAX = 64 << 20;

  @TempDir Path directory;

  /** The process to be killed: prints what it has made durable, delivered and acknowledged. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) throws IOException {
      String life = args[1];
      Random random = new Random(Long.parseLong(life));
      Spool spool = Spool.open(Path.of(args[0]), BYTES_MAX);
      System.out.println("opened " + spool.spoolId());
      for (int i = 0; ; i++) {
        String text = life + "-" + i + "-" + "x".repeat(random.nextInt(2_000));
        OptionalLong seq = spool.append(List.of(s -> (s + ":" + text).getBytes(UTF_8)));
        if (seq.isPresent()) {
          System.out.println("durable " + seq.getAsLong() + " " + life + "-" + i + " .");
        }
        if (random.nextInt(20) == 0) {
          SpoolBatch batch = spool.read(1 + random.nextInt(30), 1 << 16);
          for (SpoolBatch.Item item : batch.items()) {
            System.out.println("delivered " + item.seq() + " " + nameOf(item) + " .");
          }
          spool.ack(batch.items().get(batch.items().size() - 1).seq());
        }
      }
    }
  }

  /** Which life and record a payload is of; fails on one that is not as it was appended. */
  private static String nameOf(SpoolBatch.Item item) {
    String text = new String(item.payload(), UTF_8);
    String[] parts = text.split("[:-]", -1);
    if (parts.length != 4
        || Long.parseLong(parts[0]) != item.seq()
        || !parts[3].chars().allMatch(c -> c == 'x')) {
      throw new IllegalStateException("torn record: " + text);
    }
    return parts[1] + "-" + parts[2];
  }

  @Test
  void what_was_durable_at_a_kill_is_there_afterwards() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("SpoolKillTest seed " + seed);
    Random random = new Random(seed);
    Map<Long, String> durable = new TreeMap<>();
    Map<Long, String> delivered = new HashMap<>();
    for (int kill = 0; kill < KILLS; kill++) {
      killOnce(kill, 50 + random.nextInt(3_000), durable, delivered);
    }
    assertThat(durable).hasSizeGreaterThan(KILLS * 20);
    try (Spool spool = Spool.open(directory, BYTES_MAX)) {
      for (SpoolBatch batch = spool.read(100, 1 << 20);
          !batch.isEmpty();
          batch = spool.read(100, 1 << 20)) {
        for (SpoolBatch.Item item : batch.items()) {
          note(delivered, item.seq(), nameOf(item));
        }
        spool.ack(batch.items().get(batch.items().size() - 1).seq());
      }
      assertThat(delivered).containsAllEntriesOf(durable);
      long next = spool.append(List.of(s -> new byte[1])).orElseThrow();
      assertThat(next - 1 - delivered.size()).isEqualTo(spool.dropped());
      assertThat(next).isGreaterThan(durable.keySet().stream().mapToLong(s -> s).max().orElse(0));
    }
  }

  private void killOnce(
      int life, int linesBeforeKill, Map<Long, String> durable, Map<Long, String> delivered)
      throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                directory.toString(),
                Integer.toString(life))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(child.getInputStream(), UTF_8))) {
      int count = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        // The child goes on while this reads: the kill falls at any point of its work.
        if (++count == linesBeforeKill) {
          // Process.destroyForcibly would close the pipe, and with it what the child said last.
          child.toHandle().destroyForcibly();
        }
        String[] words = line.split(" ", -1);
        // The last line may be cut off; without its end nobody was told anything.
        if (words.length == 4 && words[3].equals(".")) {
          noteLine(words, durable, delivered);
        }
      }
    } finally {
      child.destroyForcibly();
      assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static void noteLine(
      String[] words, Map<Long, String> durable, Map<Long, String> delivered) {
    long seq = Long.parseLong(words[1]);
    if (words[0].equals("durable")) {
      assertThat(durable.put(seq, words[2])).as("seq " + seq + " was used before").isNull();
    } else if (words[0].equals("delivered")) {
      note(delivered, seq, words[2]);
    }
  }

  private static void note(Map<Long, String> delivered, long seq, String name) {
    String before = delivered.put(seq, name);
    assertThat(before == null || before.equals(name))
        .as("seq %d was delivered as %s and as %s", seq, before, name)
        .isTrue();
  }
}
