package io.stillhouse.agent.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.testing.FakeDisk;
import io.stillhouse.agent.testing.TestPacking;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnfoldingTest {
  private static final Path PACKED = Path.of("/agent/model.onnx.stf");
  private static final Path FILE = Path.of("/agent/model.onnx");

  private final FakeDisk disk = new FakeDisk();

  @BeforeEach
  void directory() throws IOException {
    disk.createDirectories(Path.of("/agent"));
  }

  private byte[] unfolded(byte[] packed, long length) throws Exception {
    disk.write(PACKED, packed);
    if (disk.exists(FILE)) {
      disk.delete(FILE);
    }
    new Unfolding(disk).unfold(PACKED, FILE, length);
    return disk.read(FILE, Integer.MAX_VALUE);
  }

  private static byte[] bytes(long seed, int length) {
    Random random = new Random(seed);
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) random.nextInt(5);
    }
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 1_000, 65_536, 300_001})
  void a_file_of_any_length_and_cut_comes_back_bit_for_bit(int length) throws Exception {
    for (int segments : new int[] {1, 2, 7, 100}) {
      byte[] file = bytes(length, length);
      assertThat(unfolded(TestPacking.pack(file, segments), length)).isEqualTo(file);
    }
  }

  @Test
  void what_the_lab_packs_unfolds_to_the_file_that_it_packed() throws Exception {
    // student.onnx.stf: packed by the lab's TransferForm from a float32 student of 18,985 bytes.
    try (InputStream in = getClass().getResourceAsStream("student.onnx.stf")) {
      byte[] packed = in.readAllBytes();
      int length = ByteBuffer.wrap(packed).getInt(4);
      byte[] file = unfolded(packed, length);
      assertThat(HexFormat.of().formatHex(sha256(file)))
          .isEqualTo("34ebcdb60859d60bf513c672b3bf286638a5b0e747d8d414a6401a3e1deb0991");
    }
  }

  private static byte[] sha256(byte[] bytes) throws Exception {
    return java.security.MessageDigest.getInstance("SHA-256").digest(bytes);
  }

  @Test
  void a_damaged_form_is_refused_or_gives_the_declared_length_and_no_byte_more() throws Exception {
    byte[] file = bytes(7, 20_000);
    byte[] packed = TestPacking.pack(file, 9);
    int refused = 0;
    for (int seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      byte[] damaged =
          random.nextInt(4) == 0
              ? Arrays.copyOf(packed, random.nextInt(packed.length))
              : packed.clone();
      for (int i = 0; i <= random.nextInt(3) && damaged.length > 0; i++) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 + random.nextInt(255));
      }
      try {
        assertThat(unfolded(damaged, file.length)).as("seed %d", seed).hasSize(file.length);
      } catch (Unfolding.MalformedException e) {
        refused++;
        assertThat(disk.exists(FILE) ? disk.size(FILE) : 0)
            .as("seed %d", seed)
            .isLessThanOrEqualTo(file.length);
      }
    }
    assertThat(refused).isGreaterThan(500);
  }

  @Test
  void a_form_that_promises_more_than_the_manifest_or_wants_much_memory_is_refused() {
    byte[] file = bytes(1, 4_096);
    assertThatThrownBy(() -> unfolded(TestPacking.pack(file, 3), 4_095))
        .isInstanceOf(Unfolding.MalformedException.class)
        .hasMessageContaining("4096 bytes");
    byte[] table = ByteBuffer.allocate(5).put((byte) 1).putInt(1 << 30).array();
    byte[] none = new byte[0];
    assertThatThrownBy(
            () ->
                unfolded(
                    TestPacking.form(
                        4_096,
                        1,
                        TestPacking.lzma(table),
                        none,
                        TestPacking.lzma(new byte[1 << 20]),
                        none,
                        none,
                        none,
                        none),
                    4_096))
        .isInstanceOf(Unfolding.MalformedException.class)
        .hasMessageContaining("segment of 1073741824 bytes");
    assertThatThrownBy(
            () ->
                unfolded(
                    TestPacking.form(
                        4_096,
                        1,
                        TestPacking.lzma(table, 64 << 20),
                        none,
                        none,
                        none,
                        none,
                        none,
                        none),
                    4_096))
        .isInstanceOf(Unfolding.MalformedException.class)
        .hasMessageContaining("memory");
  }
}
