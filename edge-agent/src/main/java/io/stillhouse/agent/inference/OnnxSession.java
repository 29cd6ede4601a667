package io.stillhouse.agent.inference;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.util.Map;

/**
 * A session over a model with one image in and one row of logits out, both float32.
 *
 * <p>Closing it while a run is under way kills the process, so its owner must know that none is.
 */
final class OnnxSession implements AutoCloseable {
  private final OrtSession session;
  private final Port input;
  private final Port output;

  /** Name and shape of the input or output; the shape's batch axis is 1. */
  record Port(String name, Shape dimensions) {
    long[] shape() {
      return dimensions.toArray();
    }
  }

  /** A tensor shape: records hold no arrays. */
  static final class Shape {
    private final long[] sides;

    Shape(long[] sides) {
      this.sides = sides.clone();
    }

    long[] toArray() {
      return sides.clone();
    }

    int elements() {
      long elements = 1;
      for (long side : sides) {
        elements = Math.multiplyExact(elements, side);
      }
      return Math.toIntExact(elements);
    }
  }

  private OnnxSession(OrtSession session) throws OrtException {
    this.session = session;
    this.input = port("input", session.getInputInfo());
    this.output = port("output", session.getOutputInfo());
  }

  /**
   * Loads from bytes, so that the runtime can read no file beside them.
   *
   * @throws ModelRefusedException when the runtime refuses the model or it has another form
   */
  static OnnxSession open(byte[] onnx, int threads) {
    try (OrtSession.SessionOptions options = OnnxRuntime.sessionOptions(threads)) {
      OrtSession session = OnnxRuntime.environment().createSession(onnx, options);
      try {
        return new OnnxSession(session);
      } catch (RuntimeException | OrtException e) {
        session.close();
        throw e;
      }
    } catch (OrtException e) {
      throw new ModelRefusedException(
          "ONNX Runtime refuses the model: " + OnnxRuntime.reason(e), e);
    } catch (ArithmeticException e) {
      throw new ModelRefusedException("the model's input or output is beyond 2^31 values", e);
    }
  }

  private static Port port(String kind, Map<String, NodeInfo> nodes) {
    if (nodes.size() != 1) {
      throw new ModelRefusedException(
          "the model has %d %ss (expected: 1)".formatted(nodes.size(), kind), null);
    }
    NodeInfo node = nodes.values().iterator().next();
    if (!(node.getInfo() instanceof TensorInfo tensor) || tensor.type != OnnxJavaType.FLOAT) {
      throw new ModelRefusedException(
          "the model's %s is %s (expected: a float32 tensor)".formatted(kind, node.getInfo()),
          null);
    }
    long[] shape = tensor.getShape();
    for (int i = 0; i < shape.length; i++) {
      // An open batch axis is run with one image.
      shape[i] = shape[i] < 0 && i == 0 ? 1 : shape[i];
      if (shape[i] < 1) {
        throw new ModelRefusedException(
            "the shape of the model's %s is open beyond the batch axis (expected: fixed)"
                .formatted(kind),
            null);
      }
    }
    Port port = new Port(node.getName(), new Shape(shape));
    Math.multiplyExact(Float.BYTES, port.dimensions.elements());
    return port;
  }

  OrtSession session() {
    return session;
  }

  Port input() {
    return input;
  }

  Port output() {
    return output;
  }

  /** Number of floats of one image. */
  int inputElements() {
    return input.dimensions.elements();
  }

  /** Number of logits. */
  int classes() {
    return output.dimensions.elements();
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("closing an ONNX Runtime session failed", e);
    }
  }
}
