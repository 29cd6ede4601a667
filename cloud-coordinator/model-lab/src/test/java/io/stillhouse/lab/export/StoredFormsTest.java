package io.stillhouse.lab.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.testing.Networks;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoredFormsTest {
  private static final long SEED = 4;

  @Test
  void every_half_is_its_own_nearest() {
    for (int pattern = 0; pattern < 1 << 16; pattern++) {
      float value = Half.toFloat((short) pattern);
      if (Float.isFinite(value)) {
        assertThat(Half.of(value)).isEqualTo((short) pattern);
      }
    }
  }

  @Test
  void the_nearest_half_is_taken_and_ties_go_to_the_even_one() {
    Random random = new Random(SEED);
    for (int i = 0; i < 20_000; i++) {
      float value = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(10) - 7));
      if (Math.abs(value) < 60_000) {
        short half = Half.of(value);
        double error = Math.abs((double) Half.toFloat(half) - value);
        for (int step : new int[] {-1, 1}) {
          float other = Half.toFloat((short) (half + step));
          if (!Float.isNaN(other)) { // the patterns before both zeros
            assertThat(error).isLessThanOrEqualTo(Math.abs((double) other - value));
          }
        }
      }
    }
    assertThat(Half.of(1 + 0x1p-11f)).isEqualTo(Half.of(1));
    assertThat(Half.of(1 + 3 * 0x1p-11f)).isEqualTo(Half.of(1 + 0x1p-9f));
    assertThat(Half.of(0x1p-25f)).isZero();
    assertThat(Half.of(0x1.8p-25f)).isEqualTo((short) 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void packed_places_come_apart_by_the_table_of_all_bytes(int bits) {
    Random random = new Random(SEED);
    byte[] places = new byte[37];
    for (int i = 0; i < places.length; i++) {
      places[i] = (byte) random.nextInt(1 << bits);
    }
    byte[] packed = PaletteCoding.packed(places, bits);
    int[] table = PaletteCoding.table(bits);
    assertThat(packed).hasSize((37 * bits + 7) / 8);
    int each = 8 / bits;
    for (int i = 0; i < places.length; i++) {
      int of = packed[i / each] & 0xff;
      assertThat(table[of * each + i % each]).isEqualTo(places[i]);
    }
  }

  @Test
  void a_transfer_form_unfolds_to_the_same_bytes_and_is_smaller() {
    for (String name : new String[] {"resnet8", "separable_small"}) {
      byte[] file = OnnxExporter.fp32(Networks.catalogue(name, "3x32x32", 1, SEED));
      byte[] packed = TransferForm.pack(file).orElseThrow();
      assertThat(TransferForm.unpack(packed)).isEqualTo(file);
      assertThat(packed.length).isLessThan((int) (0.95 * file.length));
      assertThat(TransferForm.wireBytes(file)).isEqualTo(packed.length);
    }
    byte[] noModel =
        "not a model, but bytes".repeat(20).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    assertThat(TransferForm.unpack(TransferForm.pack(noModel).orElseThrow())).isEqualTo(noModel);
  }

  @Test
  void what_would_save_nothing_is_not_packed() {
    byte[] noise = new byte[10_000];
    new Random(SEED).nextBytes(noise);
    assertThat(TransferForm.pack(noise)).isEmpty();
    assertThat(TransferForm.pack(new byte[0])).isEmpty();
    assertThat(TransferForm.wireBytes(noise)).isEqualTo(noise.length);
  }

  @Test
  void a_damaged_transfer_form_gives_no_file_but_never_more_than_was_promised() {
    byte[] file = OnnxExporter.fp32(Networks.catalogue("resnet8", "3x32x32", 0.25, SEED));
    byte[] packed = TransferForm.pack(file).orElseThrow();
    for (int length : new int[] {0, 3, 8, 12, packed.length / 2, packed.length - 1}) {
      assertThatThrownBy(() -> TransferForm.unpack(Arrays.copyOf(packed, length)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("transfer form");
    }
    byte[] shorter = packed.clone();
    shorter[7] ^= 1; // lowest byte of the promised length
    assertThatThrownBy(() -> TransferForm.unpack(shorter))
        .isInstanceOf(IllegalArgumentException.class);
    byte[] longer = Arrays.copyOf(packed, packed.length + 1);
    assertThatThrownBy(() -> TransferForm.unpack(longer))
        .isInstanceOf(IllegalArgumentException.class);
    Random random = new Random(SEED);
    int refused = 0;
    for (int i = 0; i < 100; i++) {
      byte[] damaged = packed.clone();
      damaged[8 + random.nextInt(packed.length - 8)] ^= (byte) (1 + random.nextInt(255));
      // The coder has no check sum of its own; a device compares the file's digest.
      try {
        assertThat(TransferForm.unpack(damaged)).hasSize(file.length);
      } catch (IllegalArgumentException e) {
        refused++;
      }
    }
    assertThat(refused).as("seed %d", SEED).isPositive();
  }
}
