package io.stillhouse.agent.testing;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * ONNX models of a few hundred bytes, encoded by hand: opset 13, IR 7, input {@code input}
 * (1,1,2,2), output {@code logits} (1,3).
 */
public final class TinyModels {
  /** Values of one input image. */
  public static final int INPUT_ELEMENTS = 4;

  /** Logits of one answer. */
  public static final int CLASSES = 3;

  private static final int FLOAT = 1;
  private static final int INT64 = 7;
  private static final int BOOL = 9;

  private TinyModels() {}

  /**
   * Class {@code i}'s logit is {@code weights[i]} times the sum of the image plus {@code
   * biases[i]}.
   */
  public static byte[] linear(float[] weights, float[] biases) {
    return model(
        graph(
            List.of(
                node("Flatten", List.of("input"), List.of("flat")),
                node("Gemm", List.of("flat", "w", "b"), List.of("logits"))),
            List.of(tensor("w", columns(weights), 4, CLASSES), tensor("b", biases, CLASSES))));
  }

  /** Favours one class whatever the image is. */
  public static byte[] constant(int label) {
    float[] biases = new float[CLASSES];
    biases[label] = 4;
    return linear(new float[CLASSES], biases);
  }

  /** Logits are square roots of the image's first values: not a number where one is negative. */
  public static byte[] squareRoot() {
    return model(
        graph(
            List.of(
                node("Flatten", List.of("input"), List.of("flat")),
                node("Gemm", List.of("flat", "w", "b"), List.of("sum")),
                node("Sqrt", List.of("sum"), List.of("logits"))),
            List.of(
                tensor("w", columns(new float[] {1, 2, 3}), 4, CLASSES),
                tensor("b", new float[CLASSES], CLASSES))));
  }

  /** Runs as many rounds of a loop as the sum of the image says: blank is quick, 1e9 is forever. */
  public static byte[] loop() {
    byte[] body =
        message(
            out -> {
              out.writeByteArray(1, node("Identity", List.of("cond_in"), List.of("cond_out")));
              out.writeByteArray(1, node("Add", List.of("v_in", "one"), List.of("v_out")));
              out.writeString(2, "body");
              out.writeByteArray(5, tensor("one", new float[] {1, 1, 1}, 1, CLASSES));
              out.writeByteArray(11, valueInfo("iteration", INT64));
              out.writeByteArray(11, valueInfo("cond_in", BOOL));
              out.writeByteArray(11, valueInfo("v_in", FLOAT, 1, CLASSES));
              out.writeByteArray(12, valueInfo("cond_out", BOOL));
              out.writeByteArray(12, valueInfo("v_out", FLOAT, 1, CLASSES));
            });
    byte[] loop =
        message(
            out -> {
              out.writeString(1, "rounds");
              out.writeString(1, "");
              out.writeString(1, "zero");
              out.writeString(2, "logits");
              out.writeString(4, "Loop");
              out.writeByteArray(
                  5,
                  message(
                      attribute -> {
                        attribute.writeString(1, "body");
                        attribute.writeByteArray(6, body);
                        attribute.writeEnum(20, 5);
                      }));
            });
    byte[] cast =
        message(
            out -> {
              out.writeString(1, "sum");
              out.writeString(2, "rounds");
              out.writeString(4, "Cast");
              out.writeByteArray(5, intAttribute("to", INT64));
            });
    byte[] reduce =
        message(
            out -> {
              out.writeString(1, "input");
              out.writeString(2, "sum");
              out.writeString(4, "ReduceSum");
              out.writeByteArray(5, intAttribute("keepdims", 0));
            });
    return model(
        graph(
            List.of(reduce, cast, loop), List.of(tensor("zero", new float[CLASSES], 1, CLASSES))));
  }

  /** Lower-case hex. */
  public static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static float[] columns(float[] weights) {
    float[] matrix = new float[INPUT_ELEMENTS * CLASSES];
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] = weights[i % CLASSES];
    }
    return matrix;
  }

  private static byte[] model(byte[] graph) {
    return message(
        out -> {
          out.writeInt64(1, 7);
          out.writeByteArray(7, graph);
          out.writeByteArray(8, message(opset -> opset.writeInt64(2, 13)));
        });
  }

  private static byte[] graph(List<byte[]> nodes, List<byte[]> initializers) {
    return message(
        out -> {
          for (byte[] node : nodes) {
            out.writeByteArray(1, node);
          }
          out.writeString(2, "tiny");
          for (byte[] initializer : initializers) {
            out.writeByteArray(5, initializer);
          }
          out.writeByteArray(11, valueInfo("input", FLOAT, 1, 1, 2, 2));
          out.writeByteArray(12, valueInfo("logits", FLOAT, 1, CLASSES));
        });
  }

  private static byte[] node(String operator, List<String> inputs, List<String> outputs) {
    return message(
        out -> {
          for (String input : inputs) {
            out.writeString(1, input);
          }
          for (String output : outputs) {
            out.writeString(2, output);
          }
          out.writeString(4, operator);
        });
  }

  private static byte[] intAttribute(String name, long value) {
    return message(
        out -> {
          out.writeString(1, name);
          out.writeInt64(3, value);
          out.writeEnum(20, 2);
        });
  }

  private static byte[] tensor(String name, float[] values, long... dimensions) {
    ByteBuffer raw =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      raw.putFloat(value);
    }
    return message(
        out -> {
          for (long dimension : dimensions) {
            out.writeInt64(1, dimension);
          }
          out.writeInt32(2, FLOAT);
          out.writeBytes(8, ByteString.copyFrom(name, StandardCharsets.UTF_8));
          out.writeByteArray(9, raw.array());
        });
  }

  private static byte[] valueInfo(String name, int elementType, long... dimensions) {
    byte[] shape =
        message(
            out -> {
              for (long dimension : dimensions) {
                out.writeByteArray(1, message(d -> d.writeInt64(1, dimension)));
              }
            });
    byte[] tensorType =
        message(
            out -> {
              out.writeInt32(1, elementType);
              out.writeByteArray(2, shape);
            });
    return message(
        out -> {
          out.writeString(1, name);
          out.writeByteArray(2, message(type -> type.writeByteArray(1, tensorType)));
        });
  }

  private interface Fields {
    void writeTo(CodedOutputStream out) throws IOException;
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      fields.writeTo(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
