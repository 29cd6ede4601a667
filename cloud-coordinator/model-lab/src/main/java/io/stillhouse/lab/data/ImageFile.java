package io.stillhouse.lab.data;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Decodes one picture (PNG, JPEG, BMP, GIF) and brings it to a square: the shorter side is scaled
 * to {@code side} and the middle is cut out. Transparent parts become white.
 */
final class ImageFile {
  /** Most pixels of one picture: what is larger is refused before it is decoded. */
  static final long PICTURE_PIXELS_MAX = 64_000_000L;

  private ImageFile() {}

  /** A decoded picture: packed RGB, row by row. */
  static final class Square {
    private final int[] rgb;
    private final boolean grey;

    private Square(int[] rgb, boolean grey) {
      this.rgb = rgb;
      this.grey = grey;
    }

    boolean grey() {
      return grey;
    }

    /** Writes (channels, side, side) bytes; grey is the luma of Rec. 601. */
    void write(int channels, byte[] into, int at) {
      for (int i = 0; i < rgb.length; i++) {
        int red = rgb[i] >> 16 & 0xff;
        int green = rgb[i] >> 8 & 0xff;
        int blue = rgb[i] & 0xff;
        if (channels == 1) {
          into[at + i] = (byte) Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
        } else {
          into[at + i] = (byte) red;
          into[at + rgb.length + i] = (byte) green;
          into[at + 2 * rgb.length + i] = (byte) blue;
        }
      }
    }
  }

  static Square read(Path file, int side) throws IOException {
    BufferedImage picture = decode(file);
    BufferedImage square = centre(picture, side);
    int[] rgb = square.getRGB(0, 0, side, side, new int[side * side], 0, side);
    boolean grey = true;
    for (int pixel : rgb) {
      int red = pixel >> 16 & 0xff;
      int green = pixel >> 8 & 0xff;
      int blue = pixel & 0xff;
      grey &= red == green && green == blue;
    }
    return new Square(rgb, grey);
  }

  private static BufferedImage decode(Path file) throws IOException {
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      if (in == null) {
        throw new IOException("cannot be opened");
      }
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new IOException("not a PNG, JPEG, BMP or GIF picture");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
        if (pixels < 1 || pixels > PICTURE_PIXELS_MAX) {
          throw new IOException(
              "declares %d pixels (at most %d)".formatted(pixels, PICTURE_PIXELS_MAX));
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

  private static BufferedImage centre(BufferedImage picture, int side) {
    double scale = (double) side / Math.min(picture.getWidth(), picture.getHeight());
    int width = Math.max(side, (int) Math.round(picture.getWidth() * scale));
    int height = Math.max(side, (int) Math.round(picture.getHeight() * scale));
    BufferedImage square = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = square.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, side, side);
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    BufferedImage source = halve(picture, side);
    graphics.drawImage(source, (side - width) / 2, (side - height) / 2, width, height, null);
    graphics.dispose();
    return square;
  }

  /** Halves while far too large: one bicubic step over a large ratio would skip most pixels. */
  private static BufferedImage halve(BufferedImage picture, int side) {
    BufferedImage current = picture;
    while (Math.min(current.getWidth(), current.getHeight()) >= 4 * side) {
      BufferedImage half =
          new BufferedImage(
              current.getWidth() / 2, current.getHeight() / 2, BufferedImage.TYPE_INT_RGB);
      Graphics2D graphics = half.createGraphics();
      graphics.setColor(Color.WHITE);
      graphics.fillRect(0, 0, half.getWidth(), half.getHeight());
      graphics.setRenderingHint(
          RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
      graphics.drawImage(current, 0, 0, half.getWidth(), half.getHeight(), null);
      graphics.dispose();
      current = half;
    }
    return current;
  }
}
