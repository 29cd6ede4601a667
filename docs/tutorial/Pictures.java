import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.IntBinaryOperator;
import javax.imageio.ImageIO;

/**
 * Draws folders of small grey pictures in four classes that are easy to tell apart, noise added:
 * {@code java Pictures.java FOLDER}. They stand in for photos of your own.
 */
final class Pictures {
  private static final int SIDE = 28;
  private static final int TRAINING = 80;
  private static final int TEST = 30;
  private static final long SEED = 11;

  private record Kind(String name, IntBinaryOperator bright) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("bars", (x, y) -> y / 3 % 2),
          new Kind("disc", (x, y) -> (x - 14) * (x - 14) + (y - 14) * (y - 14) < 80 ? 1 : 0),
          new Kind("frame", (x, y) -> x < 5 || y < 5 || x > 22 || y > 22 ? 1 : 0),
          new Kind("pillars", (x, y) -> x / 3 % 2));

  private Pictures() {}

  /** Draws {@code train/} and {@code test/} below the folder. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    Random random = new Random(SEED);
    for (Kind kind : KINDS) {
      draw(folder.resolve("train").resolve(kind.name()), kind, TRAINING, random);
      draw(folder.resolve("test").resolve(kind.name()), kind, TEST, random);
    }
  }

  private static void draw(Path folder, Kind kind, int count, Random random)
      throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < count; i++) {
      BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_BYTE_GRAY);
      for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
          int grey = 50 + 130 * kind.bright().applyAsInt(x, y) + random.nextInt(60);
          image.getRaster().setSample(x, y, 0, grey);
        }
      }
      ImageIO.write(image, "png", folder.resolve(i + ".png").toFile());
    }
  }
}
