package io.stillhouse.agent.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Appends, drains and cuts the power at random operations, on a disk that tears what it may. */
class SpoolPowerCutTest {
  private static final long BYTES_MAX = Spool.BYTES_MIN;

  /** What the world outside the spool knows. */
  private static final class World {
    final Map<Long, String> durable = new TreeMap<>();
    final Map<Long, String> delivered = new TreeMap<>();
    final Map<Long, List<String>> attempts = new HashMap<>();
    String spoolId = "";
    int made;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
  void nothing_durable_is_lost_uncounted_and_no_number_is_used_twice(int block) throws Exception {
    for (int i = 0; i < 60; i++) {
      long seed = block * 1_000L + i;
      try {
        run(new Random(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private void run(Random random) throws IOException {
    World world = new World();
    PowerCutStorage storage = new PowerCutStorage(random);
    for (int life = 0; life < 8; life++) {
      storage.cutAfter(random.nextInt(life == 0 ? 20 : 400));
      try {
        Spool spool = Spool.open(storage, BYTES_MAX);
        world.spoolId = world.durable.isEmpty() ? spool.spoolId() : world.spoolId;
        while (true) {
          step(spool, world, random);
        }
      } catch (PowerCutStorage.PowerCut e) {
        storage = storage.afterPowerCut();
      }
    }
    Spool spool = Spool.open(storage, BYTES_MAX);
    assertThat(spool.spoolId()).isEqualTo(world.spoolId);
    while (drain(spool, world, 100)) {
      // Until nothing is pending.
    }
    long next = spool.append(List.of(seq -> new byte[1])).orElseThrow();
    // Every number below the next one was delivered or is counted as dropped, never both.
    assertThat(next - 1 - world.delivered.size()).isEqualTo(spool.dropped());
    world.durable.keySet().removeAll(world.delivered.keySet());
    assertThat((long) world.durable.size()).isLessThanOrEqualTo(spool.dropped());
  }

  private void step(Spool spool, World world, RandomGenerator random) throws IOException {
    if (random.nextInt(4) > 0) {
      append(spool, world, random);
    } else {
      drain(spool, world, 1 + random.nextInt(20));
    }
  }

  private OptionalLong append(Spool spool, World world, RandomGenerator random) {
    int count = 1 + random.nextInt(3);
    Map<Long, String> wished = new TreeMap<>();
    List<Spool.Payload> payloads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String text = "record " + world.made++ + " " + "x".repeat(random.nextInt(1_500));
      payloads.add(
          seq -> {
            wished.put(seq, text);
            world.attempts.computeIfAbsent(seq, s -> new ArrayList<>()).add(text);
            return text.getBytes(UTF_8);
          });
    }
    OptionalLong last = spool.append(payloads);
    last.ifPresent(
        seq ->
            wished.forEach(
                (number, text) -> {
                  if (number <= seq) {
                    assertThat(world.durable.put(number, text)).as("seq " + number).isNull();
                  }
                }));
    return last;
  }

  private boolean drain(Spool spool, World world, int recordsMax) throws IOException {
    SpoolBatch batch = spool.read(recordsMax, 4_000);
    for (SpoolBatch.Item item : batch.items()) {
      String text = new String(item.payload(), UTF_8);
      // Whole, as it was appended under this number, and the same one each time it is delivered.
      assertThat(world.attempts.get(item.seq())).contains(text);
      String before = world.delivered.put(item.seq(), text);
      assertThat(before == null || before.equals(text)).as("seq " + item.seq()).isTrue();
      assertThat(world.durable.getOrDefault(item.seq(), text)).isEqualTo(text);
    }
    if (!batch.isEmpty()) {
      spool.ack(batch.items().get(batch.items().size() - 1).seq());
    }
    return !batch.isEmpty();
  }
}
