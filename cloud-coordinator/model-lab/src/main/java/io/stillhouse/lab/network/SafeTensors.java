package io.stillhouse.lab.network;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.lab.LabException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * Weights on disk in the safetensors layout: header length (int64, little-endian), a JSON header
 * {@code {name: {dtype, shape, data_offsets}}}, then the raw little-endian data. Only {@code F32}
 * is written and read. A damaged or hostile file is refused before anything of its size is
 * allocated.
 */
public final class SafeTensors {
  private static final long HEADER_BYTES_MAX = 16L << 20;
  private static final long FILE_BYTES_MAX = 1L << 31;
  private static final int RANK_MAX = 8;

  private SafeTensors() {}

  /** Writes and syncs. The caller names a file in a folder that is not visible yet. */
  public static void write(Path file, Weights weights) throws IOException {
    ObjectMapper json = new ObjectMapper();
    ObjectNode header = json.createObjectNode();
    long offset = 0;
    for (String name : weights.names()) {
      ObjectNode entry = header.putObject(name);
      entry.put("dtype", "F32");
      var shape = entry.putArray("shape");
      for (int side : weights.shape(name)) {
        shape.add(side);
      }
      long bytes = 4L * weights.values(name).length;
      entry.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    String text = json.writeValueAsString(header);
    // The data starts at a multiple of eight, so that readers may map it.
    text = text + " ".repeat((8 - text.getBytes(StandardCharsets.UTF_8).length % 8) % 8);
    byte[] head = text.getBytes(StandardCharsets.UTF_8);
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer start = ByteBuffer.allocate(8 + head.length).order(ByteOrder.LITTLE_ENDIAN);
      start.putLong(head.length).put(head).flip();
      writeFully(out, start);
      for (String name : weights.names()) {
        float[] values = weights.values(name);
        ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asFloatBuffer().put(values);
        writeFully(out, data);
      }
      out.force(true);
    }
  }

  public static Weights read(Path file) {
    try {
      long size = Files.size(file);
      if (size < 8 || size > FILE_BYTES_MAX) {
        throw refused(file, size + " bytes (expected: 8 to " + FILE_BYTES_MAX + ")");
      }
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      long headerBytes = bytes.getLong();
      if (headerBytes < 2 || headerBytes > HEADER_BYTES_MAX || headerBytes > size - 8) {
        throw refused(file, "a header of " + headerBytes + " bytes");
      }
      byte[] head = new byte[(int) headerBytes];
      bytes.get(head);
      JsonNode header = new ObjectMapper().readTree(head);
      ByteBuffer data = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
      Weights.Builder weights = Weights.builder();
      for (Map.Entry<String, JsonNode> entry : header.properties()) {
        if (!entry.getKey().equals("__metadata__")) {
          readEntry(file, entry.getKey(), entry.getValue(), data, weights);
        }
      }
      return weights.build();
    } catch (IOException e) {
      throw new LabException(
          "weights " + file, String.valueOf(e.getMessage()), "Make the model again", e);
    }
  }

  private static void readEntry(
      Path file, String name, JsonNode entry, ByteBuffer data, Weights.Builder into) {
    JsonNode sides = entry.path("shape");
    if (!entry.path("dtype").asText().equals("F32") || sides.size() > RANK_MAX) {
      throw refused(file, name + " is not a float32 tensor of rank <= " + RANK_MAX);
    }
    int[] shape = new int[sides.size()];
    long elements = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = sides.get(i).asInt(-1);
      elements *= shape[i];
      if (shape[i] < 0 || elements > FILE_BYTES_MAX / 4) {
        throw refused(file, name + " has shape " + sides);
      }
    }
    long from = entry.path("data_offsets").path(0).asLong(-1);
    long to = entry.path("data_offsets").path(1).asLong(-1);
    if (from < 0 || to > data.capacity() || to - from != 4 * elements) {
      throw refused(file, name + " lies at " + entry.path("data_offsets"));
    }
    float[] values = new float[(int) elements];
    data.slice((int) from, (int) (to - from))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    if (!Weights.finite(values)) {
      throw refused(file, name + " holds a value that is not a finite number");
    }
    into.put(name, values, shape);
  }

  private static LabException refused(Path file, String why) {
    return new LabException("weights " + file, why, "The file is damaged; make the model again");
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
