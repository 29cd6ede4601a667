package io.stillhouse.lab.data;

import io.stillhouse.lab.LabException;
import io.stillhouse.model.graph.ImageShape;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * Reads the IDX files of the MNIST family ({@code train-images-idx3-ubyte} and its three siblings),
 * gzipped or not. Layout: big-endian magic {@code 00 00 type rank}, one int32 per side, then bytes.
 */
final class IdxData {
  private static final int UNSIGNED_BYTE = 0x08;

  private IdxData() {}

  static Dataset load(Path folder) {
    Images train = part(folder, "train");
    Images test = part(folder, "t10k");
    int classes = 0;
    for (Images images : List.of(train, test)) {
      for (int i = 0; i < images.count(); i++) {
        classes = Math.max(classes, images.label(i) + 1);
      }
    }
    List<String> labels = IntStream.range(0, classes).mapToObj(Integer::toString).toList();
    return Dataset.of(DataSpec.Kind.IDX, train, test, labels);
  }

  private static Images part(Path folder, String prefix) {
    Path imageFile = find(folder, prefix + "-images-idx3-ubyte");
    Path labelFile = find(folder, prefix + "-labels-idx1-ubyte");
    try (InputStream images = Files.newInputStream(imageFile);
        InputStream labels = Files.newInputStream(labelFile)) {
      return read(images, labels, imageFile + " and " + labelFile.getFileName());
    } catch (IOException e) {
      throw new LabException(
          "data idx:" + folder, String.valueOf(e.getMessage()), "Check the files", e);
    }
  }

  /** Reads one pair of streams; each may be gzipped. */
  static Images read(InputStream images, InputStream labels, String name) throws IOException {
    try {
      DataInputStream pixelsIn = open(images);
      int[] sides = header(pixelsIn, 3, name);
      long bytes = (long) sides[0] * sides[1] * sides[2];
      if (sides[0] < 1 || sides[1] < 1 || sides[2] < 1 || bytes > Content.PIXEL_BYTES_MAX) {
        throw new LabException(
            "data " + name,
            "it declares " + sides[0] + " images of " + sides[1] + "x" + sides[2],
            "At most " + Content.PIXEL_BYTES_MAX + " bytes are read");
      }
      DataInputStream labelsIn = open(labels);
      int[] count = header(labelsIn, 1, name);
      if (count[0] != sides[0]) {
        throw new LabException(
            "data " + name,
            sides[0] + " images but " + count[0] + " labels",
            "Use files that belong together");
      }
      byte[] pixels = new byte[Math.toIntExact(bytes)];
      pixelsIn.readFully(pixels);
      int[] values = new int[count[0]];
      for (int i = 0; i < values.length; i++) {
        values[i] = labelsIn.readUnsignedByte();
      }
      return new Images(new ImageShape(1, sides[1], sides[2]), pixels, values);
    } catch (EOFException e) {
      throw new LabException(
          "data " + name, "a file ends before what it declares", "Fetch it again", e);
    }
  }

  private static DataInputStream open(InputStream raw) throws IOException {
    BufferedInputStream buffered = new BufferedInputStream(raw, 1 << 16);
    buffered.mark(2);
    boolean gzipped = buffered.read() == 0x1f && buffered.read() == 0x8b;
    buffered.reset();
    return new DataInputStream(
        gzipped ? new BufferedInputStream(new GZIPInputStream(buffered), 1 << 16) : buffered);
  }

  private static int[] header(DataInputStream in, int rank, String name) throws IOException {
    int magic = in.readInt();
    if (magic != (UNSIGNED_BYTE << 8 | rank)) {
      throw new LabException(
          "data " + name,
          "magic 0x%08x (expected: 0x%08x)".formatted(magic, UNSIGNED_BYTE << 8 | rank),
          "This is not an IDX file of unsigned bytes");
    }
    int[] sides = new int[rank];
    for (int i = 0; i < rank; i++) {
      sides[i] = in.readInt();
    }
    return sides;
  }

  private static Path find(Path folder, String name) {
    List<Path> tried = new ArrayList<>();
    for (String suffix : List.of("", ".gz")) {
      for (String form : List.of(name, name.replace("-idx", ".idx"))) {
        Path file = folder.resolve(form + suffix);
        if (Files.isRegularFile(file)) {
          return file;
        }
        tried.add(file.getFileName());
      }
    }
    throw new LabException("data idx:" + folder, "none of " + tried + " is there", "Add the file");
  }
}
