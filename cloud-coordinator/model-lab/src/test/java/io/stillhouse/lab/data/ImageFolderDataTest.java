package io.stillhouse.lab.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.LabException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderDataTest {
  private static final int CLASSES = 4;
  private static final int EACH = 6;

  @Test
  void pictures_of_all_classes_together_must_fit(@TempDir Path folder) throws IOException {
    for (int c = 0; c < CLASSES; c++) {
      Path one = Files.createDirectory(folder.resolve("class" + c));
      for (int i = 0; i < EACH; i++) {
        ImageIO.write(
            new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB),
            "png",
            one.resolve(i + ".png").toFile());
      }
    }
    // Black is grey: 4 bytes a pixel as read, one packed, one more for the digest.
    long pictures = 32L * 32 * 6;
    long heap = (long) Math.ceil(CLASSES * EACH * pictures / 0.8) + 1;
    Dataset data = ImageFolderData.load(folder, heap);
    assertThat(data.train().count() + data.test().count()).isEqualTo(CLASSES * EACH);
    assertThatThrownBy(() -> ImageFolderData.load(folder, heap - 2 * pictures))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("more than %d pictures".formatted(CLASSES * EACH - 2))
        .hasMessageContaining("STILLHOUSE_JAVA_OPTS");
  }
}
