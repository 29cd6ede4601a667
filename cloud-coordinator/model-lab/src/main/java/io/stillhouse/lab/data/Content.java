package io.stillhouse.lab.data;

import io.stillhouse.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Bounds on what is read, and the digest of what was. */
final class Content {
  /** Most bytes of pixels in one dataset; CIFAR-10 has 184 million. */
  static final long PIXEL_BYTES_MAX = 1_500_000_000L;

  /** Most classes of a dataset. */
  static final int CLASSES_MAX = 10_000;

  private Content() {}

  static Digest digest(Images train, Images test, List<String> labels) {
    StringBuilder digests = new StringBuilder();
    for (Images part : List.of(train, test)) {
      byte[] pixels = new byte[Math.toIntExact(part.count() * part.shape().elements())];
      ByteBuffer partLabels = ByteBuffer.allocate(part.count() * 4);
      for (int i = 0; i < part.count(); i++) {
        part.copy(i, pixels, Math.toIntExact(i * part.shape().elements()));
        partLabels.putInt(part.label(i));
      }
      digests.append(part.shape()).append(Digest.of(pixels)).append(Digest.of(partLabels.array()));
    }
    digests.append(String.join("\n", labels));
    return Digest.of(digests.toString().getBytes(StandardCharsets.UTF_8));
  }
}
