package io.stillhouse.lab.onnximport;

import com.google.protobuf.ByteString;
import io.stillhouse.lab.export.onnx.StringStringEntryProto;
import io.stillhouse.lab.export.onnx.TensorProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads the tensors of a file, those that lie beside it included. A tensor beside the file may lie
 * in the file's own folder only, whatever its location says.
 */
final class TensorReader {
  /** Most numbers of one tensor: the largest layer of VGG-16 has 103 million. */
  static final long ELEMENTS_MAX = 1L << 27;

  private static final int FLOAT = 1;
  private static final int UINT8 = 2;
  private static final int INT8 = 3;
  private static final int INT32 = 6;
  private static final int INT64 = 7;
  private static final int BOOL = 9;
  private static final int FLOAT16 = 10;
  private static final int DOUBLE = 11;

  private final Path folder;

  TensorReader(Path folder) {
    this.folder = folder;
  }

  ConstantTensor read(TensorProto tensor) throws IOException {
    int[] dims = new int[tensor.getDimsCount()];
    long elements = 1;
    for (int i = 0; i < dims.length; i++) {
      long dim = tensor.getDims(i);
      if (dim < 0 || dim > ELEMENTS_MAX) {
        throw new IllegalArgumentException(
            "tensor %s: dimension %d (expected: 0 to %d)"
                .formatted(tensor.getName(), dim, ELEMENTS_MAX));
      }
      dims[i] = (int) dim;
      elements *= dim;
      if (elements > ELEMENTS_MAX) {
        throw new IllegalArgumentException(
            "tensor %s: more than %d numbers".formatted(tensor.getName(), ELEMENTS_MAX));
      }
    }
    return new ConstantTensor(dims, values(tensor, (int) elements), whole(tensor.getDataType()));
  }

  /** Whether an element type is one of whole numbers. */
  static boolean whole(int type) {
    return type != FLOAT && type != FLOAT16 && type != DOUBLE;
  }

  private float[] values(TensorProto tensor, int elements) throws IOException {
    int type = tensor.getDataType();
    if (tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL || tensor.hasRawData()) {
      int width = width(tensor.getName(), type);
      ByteBuffer raw =
          tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL
              ? external(tensor, (long) width * elements)
              : raw(tensor.getRawData());
      requireCount(tensor, raw.remaining() / width, elements);
      float[] values = new float[elements];
      for (int i = 0; i < elements; i++) {
        values[i] = next(raw, type);
      }
      return values;
    }
    return listed(tensor, type, elements);
  }

  private static ByteBuffer raw(ByteString bytes) {
    return bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float[] listed(TensorProto tensor, int type, int elements) {
    int count =
        switch (type) {
          case FLOAT -> tensor.getFloatDataCount();
          case DOUBLE -> tensor.getDoubleDataCount();
          case INT64 -> tensor.getInt64DataCount();
          default -> tensor.getInt32DataCount();
        };
    width(tensor.getName(), type);
    requireCount(tensor, count, elements);
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] =
          switch (type) {
            case FLOAT -> tensor.getFloatData(i);
            case DOUBLE -> (float) tensor.getDoubleData(i);
            case INT64 -> tensor.getInt64Data(i);
            case FLOAT16 -> half((short) tensor.getInt32Data(i));
            default -> tensor.getInt32Data(i);
          };
    }
    return values;
  }

  private static void requireCount(TensorProto tensor, int count, int elements) {
    if (count != elements) {
      throw new IllegalArgumentException(
          "tensor %s: %d numbers (expected: %d by its shape)"
              .formatted(tensor.getName(), count, elements));
    }
  }

  private static int width(String name, int type) {
    return switch (type) {
      case UINT8, INT8, BOOL -> 1;
      case FLOAT16 -> 2;
      case FLOAT, INT32 -> 4;
      case INT64, DOUBLE -> 8;
      default ->
          throw new IllegalArgumentException(
              "tensor %s: element type %d (expected: float, float16, double or whole numbers)"
                  .formatted(name, type));
    };
  }

  private static float next(ByteBuffer raw, int type) {
    return switch (type) {
      case UINT8, BOOL -> raw.get() & 0xff;
      case INT8 -> raw.get();
      case FLOAT16 -> half(raw.getShort());
      case FLOAT -> raw.getFloat();
      case INT32 -> raw.getInt();
      case INT64 -> raw.getLong();
      default -> (float) raw.getDouble();
    };
  }

  /** IEEE 754 binary16; Java 17 has no method for it. */
  private static float half(short bits) {
    int exponent = bits >> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    float size;
    if (exponent == 0x1f) {
      size = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else if (exponent == 0) {
      size = Math.scalb((float) fraction, -24);
    } else {
      size = Math.scalb(1 + fraction / 1024f, exponent - 15);
    }
    return bits < 0 ? -size : size;
  }

  private ByteBuffer external(TensorProto tensor, long bytes) throws IOException {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    String location = entries.getOrDefault("location", "");
    Path file = folder.resolve(location).normalize();
    if (location.isEmpty()
        || !file.startsWith(folder.normalize())
        || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IllegalArgumentException(
          "tensor %s lies in %s, which is no file beside the model"
              .formatted(tensor.getName(), location));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long offset = Long.parseLong(entries.getOrDefault("offset", "0"));
      long length = Long.parseLong(entries.getOrDefault("length", Long.toString(bytes)));
      if (length != bytes || offset < 0 || offset > channel.size() - bytes) {
        throw new IllegalArgumentException(
            "tensor %s: %d bytes from %d in %s (expected: %d bytes, and the file has %d)"
                .formatted(tensor.getName(), length, offset, location, bytes, channel.size()));
      }
      ByteBuffer into = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
      while (into.hasRemaining() && channel.read(into, offset + into.position()) > 0) {
        // A read may give less than was asked.
      }
      return into.flip();
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "tensor %s: its place in %s is no number".formatted(tensor.getName(), location), e);
    }
  }
}
