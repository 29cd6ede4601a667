package io.stillhouse.lab.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.LabException;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataSpecTest {
  @TempDir Path folder;

  @Test
  void the_shipped_set_is_balanced_and_is_what_it_was() {
    Dataset data = DataSpec.parse("builtin:fashion-mnist-12k").load();
    int[] train = new int[10];
    int[] test = new int[10];
    for (int i = 0; i < data.train().count(); i++) {
      train[data.train().label(i)]++;
    }
    for (int i = 0; i < data.test().count(); i++) {
      test[data.test().label(i)]++;
    }
    assertThat(train).containsOnly(1_000);
    assertThat(test).containsOnly(200);
    assertThat(data.shape()).hasToString("1x28x28");
    assertThat(data.labels()).hasSize(10).contains("ankle-boot");
    assertThat(data.digest().sha256Hex()).isEqualTo(BUILTIN_DIGEST);
  }

  private static final String BUILTIN_DIGEST =
      "4a3e3e098caffe12bdaa15640f49a1b4eb4486f7f8d15642a1bd8f30c51fc3d9";

  @ParameterizedTest
  @ValueSource(
      strings = {"", "idx", "idx:", ":x", "builtin:other", "ftp:somewhere", "images:/no/such/dir"})
  void what_names_no_data_is_refused_in_one_line(String spec) {
    assertThatThrownBy(() -> DataSpec.parse(spec).load())
        .isInstanceOf(LabException.class)
        .satisfies(e -> assertThat(String.valueOf(e.getMessage()).lines()).hasSize(1));
  }

  @Test
  void idx_files_are_read_gzipped_or_not() throws IOException {
    writeIdx("train", 6, false);
    writeIdx("t10k", 3, true);
    Dataset data = new DataSpec(DataSpec.Kind.IDX, folder.toString()).load();
    assertThat(data.train().count()).isEqualTo(6);
    assertThat(data.test().count()).isEqualTo(3);
    assertThat(data.train().pixel(2, 0, 1, 1)).isEqualTo(2 * 4 + 3);
    assertThat(data.train().label(5)).isEqualTo(1);
  }

  @Test
  void an_idx_file_that_ends_early_or_lies_about_its_size_is_refused() throws IOException {
    writeIdx("train", 6, false);
    writeIdx("t10k", 3, false);
    Path images = folder.resolve("t10k-images-idx3-ubyte");
    byte[] whole = Files.readAllBytes(images);
    DataSpec spec = new DataSpec(DataSpec.Kind.IDX, folder.toString());
    Files.write(images, java.util.Arrays.copyOf(whole, whole.length - 1));
    assertThatThrownBy(spec::load).isInstanceOf(LabException.class).hasMessageContaining("ends");
    byte[] huge = whole.clone();
    huge[4] = 0x7f;
    Files.write(images, huge);
    assertThatThrownBy(spec::load)
        .isInstanceOf(LabException.class)
        .hasMessageContaining("declares");
    byte[] other = whole.clone();
    other[2] = 0x0d;
    Files.write(images, other);
    assertThatThrownBy(spec::load).isInstanceOf(LabException.class).hasMessageContaining("magic");
  }

  @Test
  void cifar_batches_are_read_and_a_cut_one_is_refused() throws IOException {
    Random random = new Random(1);
    byte[] records = new byte[4 * 3073];
    random.nextBytes(records);
    for (int i = 0; i < 4; i++) {
      records[i * 3073] = (byte) i;
    }
    Files.write(folder.resolve("data_batch_1.bin"), records);
    Files.write(folder.resolve("test_batch.bin"), records);
    DataSpec spec = new DataSpec(DataSpec.Kind.CIFAR, folder.toString());
    Dataset data = spec.load();
    assertThat(data.train().count()).isEqualTo(4);
    assertThat(data.train().label(3)).isEqualTo(3);
    assertThat(data.train().pixel(1, 2, 31, 31)).isEqualTo(records[2 * 3073 - 1] & 0xff);
    Files.write(folder.resolve("test_batch.bin"), java.util.Arrays.copyOf(records, 3072));
    assertThatThrownBy(spec::load)
        .isInstanceOf(LabException.class)
        .hasMessageContaining("multiple");
  }

  @Test
  void photos_of_any_size_become_one_shape_and_broken_ones_are_named() throws IOException {
    for (String label : new String[] {"cat", "dog"}) {
      Files.createDirectories(folder.resolve(label));
      for (int i = 0; i < 10; i++) {
        photo(folder.resolve(label + "/" + i + ".png"), 20 + 31 * i, 50 + i, Color.ORANGE);
      }
    }
    photo(folder.resolve("dog/photo.JPG"), 640, 480, Color.BLUE);
    Files.writeString(folder.resolve("dog/broken.png"), "no picture");
    Files.writeString(folder.resolve("dog/.DS_Store"), "x");
    Dataset data = new DataSpec(DataSpec.Kind.IMAGES, folder.toString()).load();
    assertThat(data.labels()).containsExactly("cat", "dog");
    assertThat(data.shape()).hasToString("3x32x32");
    assertThat(data.train().count() + data.test().count()).isEqualTo(21);
    assertThat(data.test().count()).isEqualTo(4);
    assertThat(data.origin().warnings()).hasSize(2);
    assertThat(data.origin().warnings().get(1)).contains("dog/broken.png");
    assertThat(new DataSpec(DataSpec.Kind.IMAGES, folder.toString()).load().digest())
        .isEqualTo(data.digest());
  }

  @Test
  void grey_photos_stay_grey_and_a_given_split_is_kept() throws IOException {
    for (String part : new String[] {"train/a", "train/b", "test/a", "test/b"}) {
      Files.createDirectories(folder.resolve(part));
      photo(folder.resolve(part + "/1.bmp"), 40, 40, Color.GRAY);
    }
    Dataset data = new DataSpec(DataSpec.Kind.IMAGES, folder.toString()).load();
    assertThat(data.shape()).hasToString("1x32x32");
    assertThat(data.train().count()).isEqualTo(2);
    assertThat(data.test().count()).isEqualTo(2);
  }

  @Test
  void photos_without_labels_or_with_one_label_are_refused() throws IOException {
    photo(folder.resolve("loose.png"), 32, 32, Color.RED);
    DataSpec spec = new DataSpec(DataSpec.Kind.IMAGES, folder.toString());
    assertThatThrownBy(spec::load).hasMessageContaining("no labels");
    Files.delete(folder.resolve("loose.png"));
    Files.createDirectories(folder.resolve("only"));
    photo(folder.resolve("only/1.png"), 32, 32, Color.RED);
    assertThatThrownBy(spec::load).hasMessageContaining("single class");
    Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(spec::load).hasMessageContaining("empty has no readable picture");
  }

  private void writeIdx(String prefix, int count, boolean gzip) throws IOException {
    ByteArrayOutputStream images = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(images);
    out.writeInt(0x0803);
    out.writeInt(count);
    out.writeInt(2);
    out.writeInt(2);
    ByteArrayOutputStream labels = new ByteArrayOutputStream();
    DataOutputStream labelOut = new DataOutputStream(labels);
    labelOut.writeInt(0x0801);
    labelOut.writeInt(count);
    for (int i = 0; i < count; i++) {
      for (int p = 0; p < 4; p++) {
        out.writeByte(i * 4 + p);
      }
      labelOut.writeByte(i % 2);
    }
    store(prefix + "-images-idx3-ubyte", images.toByteArray(), gzip);
    store(prefix + "-labels-idx1-ubyte", labels.toByteArray(), gzip);
  }

  private void store(String name, byte[] bytes, boolean gzip) throws IOException {
    if (!gzip) {
      Files.write(folder.resolve(name), bytes);
      return;
    }
    try (GZIPOutputStream out =
        new GZIPOutputStream(Files.newOutputStream(folder.resolve(name + ".gz")))) {
      out.write(bytes);
    }
  }

  private static void photo(Path file, int width, int height, Color colour) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(colour);
    graphics.fillRect(0, 0, width / 2 + 1, height);
    graphics.dispose();
    String name = file.getFileName().toString();
    String format = name.substring(name.lastIndexOf('.') + 1).toLowerCase(java.util.Locale.ROOT);
    assertThat(ImageIO.write(image, format.equals("jpg") ? "jpeg" : format, file.toFile()))
        .isTrue();
  }
}
