package io.stillhouse.agent.testing;

import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.Precision;
import io.stillhouse.agent.inference.Preprocessing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Slots that hold {@link TinyModels} models. */
public final class Slots {
  private Slots() {}

  /** Writes the model into {@code directory} and names the slot by the model's own digest. */
  public static LoadedSlot slot(Path directory, byte[] onnx, long version) {
    String sha256 = TinyModels.sha256(onnx);
    Path file = directory.resolve(sha256 + "-" + version + ".onnx");
    try {
      Files.createDirectories(directory);
      Files.write(file, onnx);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new LoadedSlot(
        TinyModels.sha256((sha256 + version).getBytes(java.nio.charset.StandardCharsets.UTF_8)),
        new LoadedSlot.ModelFile(file, sha256),
        card(version),
        new LoadedSlot.Placement("rollout-" + version, 1, "sim-small"),
        true);
  }

  private static LoadedSlot.ModelCard card(long version) {
    return new LoadedSlot.ModelCard(
        "inspect",
        version,
        List.of("bad", "good", "unsure"),
        new Preprocessing(1, 2, 2, List.of(0.5f), List.of(0.5f)),
        Precision.FP32);
  }

  /** An image of four equal values. */
  public static FloatBuffer image(float value) {
    return FloatBuffer.wrap(new float[] {value, value, value, value});
  }
}
