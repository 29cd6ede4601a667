package io.stillhouse.lab.data;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * Makes the shipped subset from the full Fashion-MNIST files: {@code java BuiltinSubset FULL_DIR
 * OUT_DIR}. Per class, a seeded shuffle keeps the first 1,000 training and 200 test images; the
 * kept ones are shuffled again, so that order says nothing about class.
 */
public final class BuiltinSubset {
  private static final long SEED = 12_000;

  private BuiltinSubset() {}

  public static void main(String[] arguments) throws IOException {
    Dataset full = IdxData.load(Path.of(arguments[0]));
    Path out = Path.of(arguments[1]);
    Files.createDirectories(out);
    write(full.train(), 1_000, out, "train");
    write(full.test(), 200, out, "t10k");
  }

  private static void write(Images images, int perClass, Path out, String prefix)
      throws IOException {
    Random random = new Random(SEED);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < images.count(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, random);
    int[] kept = new int[10];
    List<Integer> chosen = new ArrayList<>();
    for (int image : order) {
      if (kept[images.label(image)]++ < perClass) {
        chosen.add(image);
      }
    }
    int pixels = (int) images.shape().elements();
    ByteArrayOutputStream imageBytes = new ByteArrayOutputStream();
    DataOutputStream imageOut = new DataOutputStream(imageBytes);
    imageOut.writeInt(0x0803);
    imageOut.writeInt(chosen.size());
    imageOut.writeInt(images.shape().height());
    imageOut.writeInt(images.shape().width());
    ByteArrayOutputStream labelBytes = new ByteArrayOutputStream();
    DataOutputStream labelOut = new DataOutputStream(labelBytes);
    labelOut.writeInt(0x0801);
    labelOut.writeInt(chosen.size());
    byte[] one = new byte[pixels];
    for (int image : chosen) {
      images.copy(image, one, 0);
      imageOut.write(one);
      labelOut.writeByte(images.label(image));
    }
    gzip(out.resolve(prefix + "-images-idx3-ubyte.gz"), imageBytes.toByteArray());
    gzip(out.resolve(prefix + "-labels-idx1-ubyte.gz"), labelBytes.toByteArray());
  }

  private static void gzip(Path file, byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream out =
        new GZIPOutputStream(packed) {
          {
            def.setLevel(Deflater.BEST_COMPRESSION);
          }
        }) {
      out.write(bytes);
    }
    Files.write(file, packed.toByteArray());
  }
}
