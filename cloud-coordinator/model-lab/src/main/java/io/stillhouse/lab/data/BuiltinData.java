package io.stillhouse.lab.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * The data set that ships with the product: 10,000 training and 2,000 test images of Fashion-MNIST,
 * class-balanced. {@code README.txt} beside the files says how they were chosen.
 */
final class BuiltinData {
  static final String FASHION_MNIST_12K = "fashion-mnist-12k";

  private static final List<String> LABELS =
      List.of(
          "t-shirt",
          "trouser",
          "pullover",
          "dress",
          "coat",
          "sandal",
          "shirt",
          "sneaker",
          "bag",
          "ankle-boot");

  private BuiltinData() {}

  static Dataset load() {
    Images train = part("train");
    Images test = part("t10k");
    return Dataset.of(DataSpec.Kind.BUILTIN, train, test, LABELS);
  }

  private static Images part(String prefix) {
    try (InputStream images = open(prefix + "-images-idx3-ubyte.gz");
        InputStream labels = open(prefix + "-labels-idx1-ubyte.gz")) {
      return IdxData.read(images, labels, "builtin:" + FASHION_MNIST_12K);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String name) {
    InputStream in = BuiltinData.class.getResourceAsStream(FASHION_MNIST_12K + "/" + name);
    if (in == null) {
      throw new IllegalStateException("the product was built without its data: " + name);
    }
    return in;
  }
}
