package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Release;
import java.util.List;

/**
 * A manifest that has the right form: what the bundle contains and what it promises.
 *
 * @param digest of the manifest's bytes as they came
 */
public record BundlePlan(
    Digest digest, Release release, List<FilePlan> files, ModelFacts facts, Terms terms) {
  /** The model file's name. */
  public static final String MODEL = "model.onnx";

  /** The name of the file with golden inputs and outputs. */
  public static final String GOLDEN = "golden.bin";

  public BundlePlan {
    files = List.copyOf(files);
  }

  /** The plan of a file that every accepted manifest has. */
  public FilePlan file(String name) {
    return files.stream()
        .filter(f -> f.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no file " + name + " in the bundle"));
  }

  /** Of the bundle in its slot. */
  public long sizeBytes() {
    return files.stream().mapToLong(FilePlan::sizeBytes).sum();
  }

  /** Of the bundle while it grows, when packed forms lie beside what they unfold to. */
  public long stagedBytes() {
    return sizeBytes()
        + files.stream().flatMap(f -> f.packed().stream()).mapToLong(FilePlan::sizeBytes).sum();
  }

  /**
   * What the model takes and gives.
   *
   * @param precision "fp32", "int8" or "fp16"
   * @param network what it was made as, for people
   */
  public record ModelFacts(
      List<String> labels,
      InputShape input,
      Normalisation normalisation,
      String precision,
      String network) {
    public ModelFacts {
      labels = List.copyOf(labels);
    }
  }

  /** One input without the batch axis: channels, height, width; float32. */
  public record InputShape(int channels, int height, int width) {
    public int floats() {
      return channels * height * width;
    }
  }

  /** Per channel: x = (pixel / 255 - mean) / std. */
  public record Normalisation(List<Float> mean, List<Float> std) {
    public Normalisation {
      mean = List.copyOf(mean);
      std = List.copyOf(std);
    }
  }

  /**
   * For whom and within which limits the bundle was made.
   *
   * @param minRuntime lowest ONNX Runtime version; may be empty
   */
  public record Terms(
      String hardwareClass, String minRuntime, Budget budget, long createdEpochMillis) {}

  /** Limits that the self-test checks; 0 = no limit of this kind. */
  public record Budget(long latencyP99MicrosMax, long memoryBytesMax, long fileBytesMax) {}
}
