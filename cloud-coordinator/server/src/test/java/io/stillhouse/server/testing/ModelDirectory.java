package io.stillhouse.server.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A model directory as the lab leaves it, with bytes instead of a network. */
public final class ModelDirectory {
  /** Golden examples in each directory. */
  public static final int EXAMPLES = 2;

  private static final int INPUT = 1 * 2 * 2;
  private static final int CLASSES = 3;

  private ModelDirectory() {}

  /** Writes one whose model file has {@code modelBytes} bytes drawn from {@code seed}. */
  public static Path write(Path directory, int modelBytes, long seed) throws IOException {
    Files.createDirectories(directory);
    byte[] model = new byte[modelBytes];
    new Random(seed).nextBytes(model);
    Files.write(directory.resolve("model.onnx"), model);
    Files.writeString(
        directory.resolve("model.json"),
        """
        {"labels":["a","b","c"],"network":"tiny","width":1.0,
         "preprocessing":{"mean":[0.5],"std":[0.25]},
         "provenance":{"teacherSha256":"t","datasetSha256":"d","recipe":{"seed":7},"seed":7,
                       "tools":{"stillhouse":"0.1"}}}
        """);
    Files.writeString(
        directory.resolve("evaluation.json"),
        """
        {"accuracy":0.9,"params":10,"macs":20,"fileBytes":30,"wireBytes":25,"latencyP50Micros":40,
         "latencyP99Micros":50,"peakMemoryBytes":60,"activationPeakBytes":70,"precision":"int8",
         "network":"tiny x1.0"}
        """);
    Files.write(directory.resolve("golden.safetensors"), golden());
    return directory;
  }

  private static byte[] golden() {
    int inputBytes = EXAMPLES * INPUT * Float.BYTES;
    int outputBytes = EXAMPLES * CLASSES * Float.BYTES;
    byte[] header =
        """
        {"input":{"dtype":"F32","shape":[%d,1,2,2],"data_offsets":[0,%d]},\
        "output":{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]}}"""
            .formatted(
                EXAMPLES, inputBytes, EXAMPLES, CLASSES, inputBytes, inputBytes + outputBytes)
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES + header.length + inputBytes + outputBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header);
    for (int i = 0; i < EXAMPLES * (INPUT + CLASSES); i++) {
      bytes.putFloat(i);
    }
    return bytes.array();
  }
}
