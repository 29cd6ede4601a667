package io.stillhouse.lab.data;

import io.stillhouse.lab.LabException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where labelled images come from: {@code builtin:fashion-mnist-12k}, {@code idx:DIR}, {@code
 * cifar:DIR} or {@code images:DIR}.
 */
public record DataSpec(Kind kind, String place) {
  /** Form in which the images are kept. */
  public enum Kind {
    BUILTIN,
    IDX,
    CIFAR,
    IMAGES
  }

  private static final String EXPECTED =
      "Use builtin:fashion-mnist-12k, idx:DIR, cifar:DIR or images:DIR";

  public static DataSpec parse(String text) {
    int colon = text.indexOf(':');
    if (colon < 1 || colon == text.length() - 1) {
      throw LabException.ofArgument("data " + text, "it is not of the form KIND:PLACE", EXPECTED);
    }
    String place = text.substring(colon + 1);
    Kind kind =
        switch (text.substring(0, colon)) {
          case "builtin" -> Kind.BUILTIN;
          case "idx" -> Kind.IDX;
          case "cifar" -> Kind.CIFAR;
          case "images" -> Kind.IMAGES;
          default ->
              throw LabException.ofArgument(
                  "data " + text, "kind " + text.substring(0, colon) + " is unknown", EXPECTED);
        };
    if (kind == Kind.BUILTIN && !place.equals(BuiltinData.FASHION_MNIST_12K)) {
      throw LabException.ofArgument("data " + text, "no such built-in set", EXPECTED);
    }
    return new DataSpec(kind, place);
  }

  /** Reads everything into memory. */
  public Dataset load() {
    if (kind == Kind.BUILTIN) {
      return BuiltinData.load();
    }
    requirePlace();
    Path folder = Path.of(place);
    return switch (kind) {
      case IDX -> IdxData.load(folder);
      case CIFAR -> CifarData.load(folder);
      case IMAGES -> ImageFolderData.load(folder);
      case BUILTIN -> throw new AssertionError("handled above");
    };
  }

  /** Finds out before any work whether there is a folder to read. */
  public void requirePlace() {
    if (kind != Kind.BUILTIN && !Files.isDirectory(Path.of(place))) {
      throw new LabException(
          "data " + this, "there is no folder " + place, "Check the path, or use " + example());
    }
  }

  /** The same place, as it is found from any working directory. */
  public DataSpec absolute() {
    return kind == Kind.BUILTIN
        ? this
        : new DataSpec(kind, Path.of(place).toAbsolutePath().normalize().toString());
  }

  private static String example() {
    return "builtin:" + BuiltinData.FASHION_MNIST_12K;
  }

  /** The text that {@link #parse} reads. */
  @Override
  public String toString() {
    return kind.name().toLowerCase(java.util.Locale.ROOT) + ":" + place;
  }
}
