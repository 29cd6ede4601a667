package io.stillhouse.lab.data;

import io.stillhouse.lab.LabException;
import io.stillhouse.model.graph.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the binary batches of CIFAR-10 ({@code data_batch_1.bin} ... and {@code test_batch.bin};
 * one label byte, then 3x32x32 bytes) and CIFAR-100 ({@code train.bin}, {@code test.bin}; coarse
 * label, fine label, then the pixels; the fine label is used).
 */
final class CifarData {
  private static final ImageShape SHAPE = new ImageShape(3, 32, 32);
  private static final int PIXELS = 3 * 32 * 32;

  private CifarData() {}

  static Dataset load(Path folder) {
    boolean hundred = Files.isRegularFile(folder.resolve("train.bin"));
    List<Path> trainFiles = new ArrayList<>();
    if (hundred) {
      trainFiles.add(folder.resolve("train.bin"));
    } else {
      for (int batch = 1; batch <= 5; batch++) {
        Path file = folder.resolve("data_batch_" + batch + ".bin");
        if (Files.isRegularFile(file)) {
          trainFiles.add(file);
        }
      }
    }
    Path testFile = folder.resolve(hundred ? "test.bin" : "test_batch.bin");
    if (trainFiles.isEmpty() || !Files.isRegularFile(testFile)) {
      throw new LabException(
          "data cifar:" + folder,
          "it holds neither data_batch_1.bin and test_batch.bin nor train.bin and test.bin",
          "Unpack the binary version of CIFAR there");
    }
    int classes = hundred ? 100 : 10;
    Images train = read(trainFiles, hundred, classes);
    Images test = read(List.of(testFile), hundred, classes);
    List<String> labels = labels(folder, hundred, classes);
    return Dataset.of(DataSpec.Kind.CIFAR, train, test, labels);
  }

  private static Images read(List<Path> files, boolean hundred, int classes) {
    int head = hundred ? 2 : 1;
    int record = head + PIXELS;
    try {
      long count = 0;
      for (Path file : files) {
        long size = Files.size(file);
        if (size == 0 || size % record != 0) {
          throw new LabException(
              "data " + file,
              size + " bytes (expected: a multiple of " + record + ")",
              "The file is cut off or of another format; fetch it again");
        }
        count += size / record;
      }
      if (count * PIXELS > Content.PIXEL_BYTES_MAX) {
        throw new LabException(
            "data " + files.get(0).getParent(),
            count + " images",
            "At most " + Content.PIXEL_BYTES_MAX + " bytes are read");
      }
      byte[] pixels = new byte[Math.toIntExact(count * PIXELS)];
      int[] labels = new int[(int) count];
      int next = 0;
      for (Path file : files) {
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at += record, next++) {
          int label = bytes[at + head - 1] & 0xff;
          if (label >= classes) {
            throw new LabException(
                "data " + file,
                "label " + label + " (expected: 0 to " + (classes - 1) + ")",
                "The file is damaged or of another format");
          }
          labels[next] = label;
          System.arraycopy(bytes, at + head, pixels, next * PIXELS, PIXELS);
        }
      }
      return new Images(SHAPE, pixels, labels);
    } catch (IOException e) {
      throw new LabException("data " + files, String.valueOf(e.getMessage()), "Check the files", e);
    }
  }

  private static List<String> labels(Path folder, boolean hundred, int classes) {
    Path names = folder.resolve(hundred ? "fine_label_names.txt" : "batches.meta.txt");
    try {
      if (Files.isRegularFile(names)) {
        List<String> lines =
            Files.readAllLines(names).stream()
                .map(String::strip)
                .filter(s -> !s.isEmpty())
                .toList();
        if (lines.size() == classes) {
          return lines;
        }
      }
    } catch (IOException e) {
      // The names are a courtesy; numbers serve as well.
    }
    List<String> numbers = new ArrayList<>();
    for (int i = 0; i < classes; i++) {
      numbers.add(Integer.toString(i));
    }
    return numbers;
  }
}
