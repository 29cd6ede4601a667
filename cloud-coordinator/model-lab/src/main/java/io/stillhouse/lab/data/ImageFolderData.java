package io.stillhouse.lab.data;

import io.stillhouse.lab.LabException;
import io.stillhouse.model.graph.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Reads a person's own photos: one folder per class, pictures in it. With {@code train/} and {@code
 * test/} at the top the split is theirs; otherwise every fifth picture of each class, in an order
 * drawn from a fixed seed, is kept for the test. All pictures become 32x32; colour if any is.
 *
 * <p>A picture that cannot be read is named, skipped and counted. What cannot be learnt from is
 * refused: pictures outside class folders, a single class, a class without a readable picture.
 */
final class ImageFolderData {
  static final int SIDE = 32;
  private static final long SPLIT_SEED = 20_240_715;
  private static final int TEST_SHARE = 5;

  /** Files that are named; the rest are only counted. */
  static final int WARNINGS_MAX = 50;

  private static final List<String> ENDINGS =
      List.of(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff");

  /** Part of the heap that pictures may take: some is left for what is made of them. */
  private static final double HEAP_SHARE_MAX = 0.8;

  private final Path folder;
  private final long bytesMax;
  private final List<String> warnings = new ArrayList<>();
  private int skipped;
  private boolean colour;
  private int read;

  private ImageFolderData(Path folder, long heapBytes) {
    this.folder = folder;
    this.bytesMax = (long) (heapBytes * HEAP_SHARE_MAX);
  }

  static Dataset load(Path folder) {
    return load(folder, Runtime.getRuntime().maxMemory());
  }

  /**
   * Loads a folder.
   *
   * @param heapBytes most that this process may use
   */
  static Dataset load(Path folder, long heapBytes) {
    try {
      return new ImageFolderData(folder, heapBytes).read();
    } catch (IOException e) {
      throw new LabException(
          "data images:" + folder, String.valueOf(e.getMessage()), "Check the folder", e);
    }
  }

  private record Sample(ImageFile.Square picture, int label) {}

  private Dataset read() throws IOException {
    Path trainFolder = folder.resolve("train");
    Path testFolder = folder.resolve("test");
    boolean split = Files.isDirectory(trainFolder) && Files.isDirectory(testFolder);
    List<String> labels = classes(split ? trainFolder : folder);
    List<Sample> train = new ArrayList<>();
    List<Sample> test = new ArrayList<>();
    if (split) {
      List<String> testLabels = classes(testFolder);
      if (!labels.containsAll(testLabels)) {
        throw new LabException(
            "data images:" + folder,
            "test/ has classes that train/ has not: "
                + testLabels.stream().filter(l -> !labels.contains(l)).toList(),
            "Give both the same class folders");
      }
      for (int c = 0; c < labels.size(); c++) {
        collect(trainFolder.resolve(labels.get(c)), c, train);
        if (testLabels.contains(labels.get(c))) {
          collect(testFolder.resolve(labels.get(c)), c, test);
        }
      }
    } else {
      for (int c = 0; c < labels.size(); c++) {
        List<Sample> all = new ArrayList<>();
        collect(folder.resolve(labels.get(c)), c, all);
        Collections.shuffle(all, new Random(SPLIT_SEED + c));
        for (int i = 0; i < all.size(); i++) {
          (i % TEST_SHARE == TEST_SHARE - 1 ? test : train).add(all.get(i));
        }
      }
    }
    requireEveryClass(labels, train);
    if (test.isEmpty()) {
      throw new LabException(
          "data images:" + folder,
          "no picture is left for the test",
          "Add pictures: at least " + TEST_SHARE + " per class, or a test/ folder");
    }
    if (skipped > 0) {
      warnings.add(0, skipped + " files were skipped");
    }
    Images trainImages = pack(train);
    Images testImages = pack(test);
    return new Dataset(
        trainImages,
        testImages,
        labels,
        new Dataset.Origin(
            DataSpec.Kind.IMAGES, Content.digest(trainImages, testImages, labels), warnings));
  }

  private List<String> classes(Path top) throws IOException {
    List<String> names = new ArrayList<>();
    List<Path> loose = new ArrayList<>();
    try (Stream<Path> entries = Files.list(top)) {
      for (Path entry : entries.sorted().toList()) {
        String name = String.valueOf(entry.getFileName());
        if (name.startsWith(".") || name.startsWith("__")) {
          continue;
        }
        if (Files.isDirectory(entry)) {
          names.add(name);
        } else if (picture(entry)) {
          loose.add(entry);
        }
      }
    }
    if (names.isEmpty() || (!loose.isEmpty() && names.size() < 2)) {
      throw new LabException(
          "data images:" + top,
          loose.isEmpty() ? "it holds no class folders" : "its pictures have no labels",
          "Put the pictures of each class into a folder named like the class");
    }
    if (names.size() < 2) {
      throw new LabException(
          "data images:" + top,
          "it holds a single class, " + names.get(0),
          "There is nothing to tell apart: add a folder for another class");
    }
    if (names.size() > Content.CLASSES_MAX) {
      throw new LabException(
          "data images:" + top, names.size() + " classes", "At most " + Content.CLASSES_MAX);
    }
    for (Path picture : loose) {
      warn(picture, "it lies outside the class folders");
    }
    return names;
  }

  private void collect(Path classFolder, int label, List<Sample> into) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(classFolder)) {
      files = walk.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path file : files) {
      String name = String.valueOf(file.getFileName());
      if (name.startsWith(".") || name.equalsIgnoreCase("thumbs.db") || !picture(file)) {
        continue;
      }
      try {
        ImageFile.Square square = ImageFile.read(file, SIDE);
        colour |= !square.grey();
        into.add(new Sample(square, label));
        read++;
      } catch (IOException e) {
        warn(file, String.valueOf(e.getMessage()));
      }
      requireRoom();
    }
  }

  /** A picture is held as it was read, packed, and once more while the set's digest is made. */
  private void requireRoom() {
    long values = (long) SIDE * SIDE;
    int channels = colour ? 3 : 1;
    boolean fits =
        read * values * (Integer.BYTES + 2 * channels) <= bytesMax
            && read * values * channels <= Content.PIXEL_BYTES_MAX;
    if (!fits) {
      throw new LabException(
          "data images:" + folder,
          "more than %d pictures do not fit into this process's memory".formatted(read - 1),
          "Use fewer, or give it more with STILLHOUSE_JAVA_OPTS=-Xmx4g");
    }
  }

  private void warn(Path file, String why) {
    skipped++;
    if (warnings.size() < WARNINGS_MAX) {
      warnings.add(folder.relativize(file) + " skipped: " + why);
    }
  }

  private void requireEveryClass(List<String> labels, List<Sample> train) {
    boolean[] seen = new boolean[labels.size()];
    for (Sample sample : train) {
      seen[sample.label()] = true;
    }
    for (int c = 0; c < labels.size(); c++) {
      if (!seen[c]) {
        throw new LabException(
            "data images:" + folder,
            "class "
                + labels.get(c)
                + " has no readable picture to train on"
                + (warnings.isEmpty() ? "" : " (" + warnings.get(0) + ")"),
            "Add pictures, or remove the folder");
      }
    }
  }

  private Images pack(List<Sample> samples) {
    int channels = colour ? 3 : 1;
    ImageShape shape = new ImageShape(channels, SIDE, SIDE);
    int length = (int) shape.elements();
    byte[] pixels = new byte[Math.multiplyExact(samples.size(), length)];
    int[] labels = new int[samples.size()];
    for (int i = 0; i < labels.length; i++) {
      samples.get(i).picture().write(channels, pixels, i * length);
      labels[i] = samples.get(i).label();
    }
    return new Images(shape, pixels, labels);
  }

  /** Whether the name is that of a picture, not that of a hidden or a system file. */
  static boolean picture(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return !name.startsWith(".") && ENDINGS.stream().anyMatch(name::endsWith);
  }
}
