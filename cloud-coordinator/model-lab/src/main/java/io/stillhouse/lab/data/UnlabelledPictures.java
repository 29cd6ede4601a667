package io.stillhouse.lab.data;

import io.stillhouse.lab.LabException;
import io.stillhouse.model.graph.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Pictures that nobody has labelled, from a folder and the folders in it, in order of their paths.
 * A picture that cannot be read is named, skipped and counted.
 */
public final class UnlabelledPictures {
  /** Fewest pictures that are worth learning from: one small batch. */
  private static final int PICTURES_MIN = 16;

  private final Path folder;
  private final List<String> warnings = new ArrayList<>();
  private int skipped;

  private UnlabelledPictures(Path folder) {
    this.folder = folder;
  }

  /**
   * The data with these pictures in the place of the training images; each stands under the first
   * label, which means nothing.
   *
   * @throws LabException when the folder holds no pictures that can be read, or the data's images
   *     are no squares of grey or colour
   */
  public static Dataset instead(Dataset data, Path folder) {
    ImageShape shape = data.shape();
    if (shape.height() != shape.width() || (shape.channels() != 1 && shape.channels() != 3)) {
      throw refused(folder, "pictures cannot be made " + shape, "Use a teacher of square pictures");
    }
    return new UnlabelledPictures(folder).read(data);
  }

  private Dataset read(Dataset data) {
    ImageShape shape = data.shape();
    List<ImageFile.Square> squares = read(shape);
    if (squares.size() < PICTURES_MIN) {
      throw refused(
          folder,
          "%d readable pictures (expected: at least %d)%s"
              .formatted(
                  squares.size(), PICTURES_MIN, warnings.isEmpty() ? "" : "; " + warnings.get(0)),
          "Check the path, or add pictures");
    }
    if (skipped > 0) {
      warnings.add(0, "%s: %d files were skipped".formatted(folder, skipped));
    }
    int each = Math.toIntExact(shape.elements());
    byte[] pixels = new byte[Math.multiplyExact(squares.size(), each)];
    for (int i = 0; i < squares.size(); i++) {
      squares.get(i).write(shape.channels(), pixels, i * each);
    }
    Images train = new Images(shape, pixels, new int[squares.size()]);
    return new Dataset(
        train,
        data.test(),
        data.labels(),
        new Dataset.Origin(
            DataSpec.Kind.IMAGES, Content.digest(train, data.test(), data.labels()), warnings));
  }

  private List<ImageFile.Square> read(ImageShape shape) {
    try (Stream<Path> walk = Files.walk(folder)) {
      List<ImageFile.Square> squares = new ArrayList<>();
      for (Path file : walk.filter(ImageFolderData::picture).sorted().toList()) {
        try {
          squares.add(ImageFile.read(file, shape.height()));
        } catch (IOException e) {
          skipped++;
          if (warnings.size() < ImageFolderData.WARNINGS_MAX) {
            warnings.add(folder.relativize(file) + " skipped: " + e.getMessage());
          }
        }
        if (squares.size() * shape.elements() > Content.PIXEL_BYTES_MAX) {
          throw refused(folder, "more than " + squares.size() + " pictures", "Use a part of them");
        }
      }
      return squares;
    } catch (IOException e) {
      throw refused(folder, "it cannot be read: " + e.getMessage(), "Check the path");
    }
  }

  private static LabException refused(Path folder, String why, String what) {
    return new LabException("unlabelled pictures " + folder, why, what);
  }
}
