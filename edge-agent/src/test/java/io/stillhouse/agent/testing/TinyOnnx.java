package io.stillhouse.agent.testing;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * ONNX files of a few hundred bytes, written field by field: input x (1, c, h, w) -> Flatten ->
 * Gemm -> y (1, classes). Small enough to know every output by hand.
 */
public final class TinyOnnx {
  private TinyOnnx() {}

  /** Writes the body of one message. */
  public interface Body {
    void write(CodedOutputStream out) throws IOException;
  }

  /** A message's bytes. */
  public static byte[] message(Body body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      body.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** y = x . weight + bias; {@code weight} is (c*h*w, classes). */
  public static byte[] linear(int c, int h, int w, float[] weight, float[] bias) {
    byte[] graph =
        message(
            g -> {
              g.writeByteArray(1, node("Flatten", List.of("x"), "f"));
              g.writeByteArray(1, node("Gemm", List.of("f", "w", "b"), "y"));
              g.writeString(2, "tiny");
              g.writeByteArray(5, tensor("w", weight, (long) c * h * w, bias.length));
              g.writeByteArray(5, tensor("b", bias, bias.length));
              g.writeByteArray(11, value("x", 1, c, h, w));
              g.writeByteArray(12, value("y", 1, bias.length));
            });
    return model(graph);
  }

  /** A file around a graph. */
  public static byte[] model(byte[] graph) {
    return message(
        m -> {
          m.writeInt64(1, 7);
          m.writeByteArray(7, graph);
          m.writeByteArray(8, message(o -> o.writeInt64(2, 13)));
        });
  }

  /** A node with one output. */
  public static byte[] node(String operator, List<String> inputs, String output) {
    return message(
        n -> {
          for (String input : inputs) {
            n.writeString(1, input);
          }
          n.writeString(2, output);
          n.writeString(4, operator);
        });
  }

  /** A float32 initializer with raw data. */
  public static byte[] tensor(String name, float[] values, long... dims) {
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      raw.putFloat(value);
    }
    return message(
        t -> {
          for (long dim : dims) {
            t.writeInt64(1, dim);
          }
          t.writeInt32(2, 1);
          t.writeString(8, name);
          t.writeBytes(9, ByteString.copyFrom(raw.array()));
        });
  }

  /** A float32 graph input or output. */
  public static byte[] value(String name, long... dims) {
    byte[] shape =
        message(
            s -> {
              for (long dim : dims) {
                s.writeByteArray(1, message(d -> d.writeInt64(1, dim)));
              }
            });
    byte[] type =
        message(
            t -> {
              t.writeInt32(1, 1);
              t.writeByteArray(2, shape);
            });
    return message(
        v -> {
          v.writeString(1, name);
          v.writeByteArray(2, message(t -> t.writeByteArray(1, type)));
        });
  }
}
