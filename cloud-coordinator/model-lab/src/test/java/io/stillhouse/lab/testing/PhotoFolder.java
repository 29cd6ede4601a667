package io.stillhouse.lab.testing;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import javax.imageio.ImageIO;

/** A folder of tiny pictures whose class is their brightest third, learnt within seconds. */
public final class PhotoFolder {
  private static final int SIDE = 12;

  private PhotoFolder() {}

  /** Writes {@code perClass} pictures of each of up to three classes. */
  public static Path write(Path folder, int classes, int perClass, long seed) throws IOException {
    Random random = new Random(seed);
    for (int c = 0; c < classes; c++) {
      Path of = Files.createDirectories(folder.resolve("class-" + c));
      for (int i = 0; i < perClass; i++) {
        BufferedImage picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < SIDE; y++) {
          for (int x = 0; x < SIDE; x++) {
            int light = (y * 3 / SIDE == c ? 130 : 20) + random.nextInt(100);
            picture.setRGB(x, y, (light << 16) | ((light / 2) << 8) | random.nextInt(60));
          }
        }
        if (!ImageIO.write(picture, "png", of.resolve(i + ".png").toFile())) {
          throw new IOException("no PNG writer");
        }
      }
    }
    return folder;
  }
}
