package io.stillhouse.server.artifact;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The golden examples of a model directory: float32 tensors named input (n, c, h, w) and output (n,
 * classes) in the public safetensors layout: header length (u64, little-endian), JSON header, data.
 */
record GoldenTensors(List<Integer> inputShape, List<float[]> inputs, List<float[]> outputs) {
  private static final long FILE_BYTES_MAX = 64L << 20;
  private static final int HEADER_BYTES_MAX = 1 << 20;
  private static final JsonMapper MAPPER = new JsonMapper();

  GoldenTensors {
    inputShape = List.copyOf(inputShape);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  static GoldenTensors read(Path file) throws IOException {
    if (Files.size(file) > FILE_BYTES_MAX) {
      throw new IOException("larger than " + FILE_BYTES_MAX + " bytes");
    }
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() < Long.BYTES) {
      throw new IOException("shorter than a header");
    }
    long headerBytes = bytes.getLong();
    if (headerBytes < 2 || headerBytes > Math.min(HEADER_BYTES_MAX, bytes.remaining())) {
      throw new IOException("header of " + headerBytes + " bytes");
    }
    byte[] header = new byte[(int) headerBytes];
    bytes.get(header);
    JsonNode entries = MAPPER.readTree(header);
    ByteBuffer data = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    List<Integer> inputShape = shape(entries.path("input"), 4);
    List<Integer> outputShape = shape(entries.path("output"), 2);
    if (!inputShape.get(0).equals(outputShape.get(0))) {
      throw new IOException(
          "%d inputs and %d outputs".formatted(inputShape.get(0), outputShape.get(0)));
    }
    return new GoldenTensors(
        inputShape.subList(1, 4),
        rows(entries.path("input"), data, inputShape),
        rows(entries.path("output"), data, outputShape));
  }

  int inputFloats() {
    return inputs.get(0).length;
  }

  int outputFloats() {
    return outputs.get(0).length;
  }

  /** The largest absolute output: the scale that a tolerance is relative to. */
  float outputScale() {
    float scale = 0;
    for (float[] row : outputs) {
      for (float value : row) {
        scale = Math.max(scale, Math.abs(value));
      }
    }
    return scale;
  }

  private static List<Integer> shape(JsonNode entry, int rank) throws IOException {
    List<Integer> shape = new ArrayList<>();
    entry.path("shape").forEach(side -> shape.add(side.asInt()));
    if (!entry.path("dtype").asText().equals("F32")
        || shape.size() != rank
        || shape.stream().anyMatch(side -> side < 1)) {
      throw new IOException(
          "tensor %s %s (expected: F32 of rank %d)"
              .formatted(entry.path("dtype").asText("absent"), shape, rank));
    }
    return shape;
  }

  private static List<float[]> rows(JsonNode entry, ByteBuffer data, List<Integer> shape)
      throws IOException {
    long count = shape.stream().mapToLong(Integer::longValue).reduce(1, (a, b) -> a * b);
    long from = entry.path("data_offsets").path(0).asLong(-1);
    long to = entry.path("data_offsets").path(1).asLong(-1);
    if (from < 0 || to > data.limit() || to - from != count * Float.BYTES) {
      throw new IOException(
          "tensor at %d..%d of %d bytes (expected: %d floats)"
              .formatted(from, to, data.limit(), count));
    }
    float[] all = new float[(int) count];
    data.slice((int) from, (int) (to - from))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(all);
    for (float value : all) {
      if (!Float.isFinite(value)) {
        throw new IOException("a value is not finite");
      }
    }
    int row = (int) (count / shape.get(0));
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < shape.get(0); i++) {
      rows.add(Arrays.copyOfRange(all, i * row, (i + 1) * row));
    }
    return rows;
  }
}
