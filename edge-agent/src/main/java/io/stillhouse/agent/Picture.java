package io.stillhouse.agent;

import java.awt.Color;
import java.awt.Dimension;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * A picture file as a model takes it: unsigned bytes, (channels, height, width). Scaled and cut as
 * the coordinator did with the pictures that the model learnt from: the shorter side to fit, the
 * middle kept, one channel by the luma of Rec. 601, transparent parts white.
 */
final class Picture {
  /** What declares more is refused before it is decoded: a board has little memory. */
  private static final long PIXELS_MAX = 16_000_000;

  private Picture() {}

  /**
   * Reads a PNG, JPEG, BMP or GIF file.
   *
   * @param channels 1 or 3
   * @throws IOException when it is none of those, damaged or too large
   */
  static byte[] read(Path file, int channels, int height, int width) throws IOException {
    BufferedImage fitted = fitted(decoded(file), height, width);
    byte[] pixels = new byte[channels * height * width];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int rgb = fitted.getRGB(x, y);
        int red = rgb >> 16 & 0xff;
        int green = rgb >> 8 & 0xff;
        int blue = rgb & 0xff;
        int at = y * width + x;
        if (channels == 1) {
          pixels[at] = (byte) Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
        } else {
          pixels[at] = (byte) red;
          pixels[height * width + at] = (byte) green;
          pixels[2 * height * width + at] = (byte) blue;
        }
      }
    }
    return pixels;
  }

  private static BufferedImage decoded(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException("there is no such file");
    }
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new IOException("not a PNG, JPEG, BMP or GIF picture");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        long declared = (long) reader.getWidth(0) * reader.getHeight(0);
        if (declared < 1 || declared > PIXELS_MAX) {
          throw new IOException(
              "declares %d pixels (expected: 1 to %d)".formatted(declared, PIXELS_MAX));
        }
        return reader.read(0);
      } catch (RuntimeException e) {
        // Decoders answer some damaged files with unchecked exceptions.
        throw new IOException("damaged: " + e.getMessage(), e);
      } finally {
        reader.dispose();
      }
    }
  }

  private static BufferedImage fitted(BufferedImage picture, int height, int width) {
    // By the sides of the picture itself: halved ones are rounded, and would be a pixel off.
    double scale =
        Math.max((double) width / picture.getWidth(), (double) height / picture.getHeight());
    Dimension scaled =
        new Dimension(
            Math.max(width, (int) Math.round(picture.getWidth() * scale)),
            Math.max(height, (int) Math.round(picture.getHeight() * scale)));
    BufferedImage source = picture;
    // One bicubic step over a large ratio would skip most pixels.
    while (source.getWidth() >= 4 * width && source.getHeight() >= 4 * height) {
      int halfWidth = source.getWidth() / 2;
      int halfHeight = source.getHeight() / 2;
      source =
          drawn(
              source,
              new Dimension(halfWidth, halfHeight),
              new Dimension(halfWidth, halfHeight),
              RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    }
    return drawn(
        source, scaled, new Dimension(width, height), RenderingHints.VALUE_INTERPOLATION_BICUBIC);
  }

  /** Scales it, and cuts the middle out of that. */
  private static BufferedImage drawn(
      BufferedImage source, Dimension scaled, Dimension cut, Object interpolation) {
    BufferedImage canvas = new BufferedImage(cut.width, cut.height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = canvas.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, cut.width, cut.height);
    graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, interpolation);
    graphics.drawImage(
        source,
        (cut.width - scaled.width) / 2,
        (cut.height - scaled.height) / 2,
        scaled.width,
        scaled.height,
        null);
    graphics.dispose();
    return canvas;
  }
}
