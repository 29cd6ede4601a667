package io.stillhouse.agent.inference;

import ai.onnxruntime.OrtException;
import java.nio.FloatBuffer;

/**
 * One model for one thread, with nothing around it: for self-tests, probes and commands. The live
 * model is in {@link OnnxModelHost}.
 *
 * <p>Thread-confined. A run that never ends is not stopped; run what is not trusted in a process of
 * its own.
 */
public final class OnnxModel implements AutoCloseable {
  private final OnnxSession session;
  private final OnnxWorker worker;

  private OnnxModel(OnnxSession session) throws OrtException {
    this.session = session;
    this.worker = new OnnxWorker(session);
  }

  /**
   * Loads a model from bytes whose digest the caller has checked.
   *
   * @param threads threads that a run may use
   * @throws ModelRefusedException when the runtime refuses it
   */
  public static OnnxModel open(byte[] onnx, int threads) {
    OnnxSession session = OnnxSession.open(onnx, threads);
    try {
      return new OnnxModel(session);
    } catch (OrtException e) {
      session.close();
      throw new ModelRefusedException(
          "ONNX Runtime refuses the model: " + OnnxRuntime.reason(e), e);
    }
  }

  /** Number of floats of one image. */
  public int inputElements() {
    return session.inputElements();
  }

  /** Number of logits. */
  public int classes() {
    return session.classes();
  }

  /**
   * Logits of one preprocessed image (channels, height, width), finite or not.
   *
   * @throws ModelRefusedException when the runtime gives an error
   */
  public Logits run(FloatBuffer image) {
    load(image);
    runLoaded();
    return Logits.copyOf(worker.output());
  }

  /** Puts an image into the input for {@link #runLoaded}. */
  public void load(FloatBuffer image) {
    if (image.remaining() != inputElements()) {
      throw new IllegalArgumentException(
          "image: %d values (expected: %d)".formatted(image.remaining(), inputElements()));
    }
    worker.load(image);
  }

  /** Runs on the loaded image and discards the logits: what a latency measurement times. */
  public void runLoaded() {
    try {
      worker.run(0);
    } catch (OrtException e) {
      throw new ModelRefusedException(
          "ONNX Runtime cannot run the model: " + OnnxRuntime.reason(e), e);
    }
  }

  @Override
  public void close() {
    worker.close();
    session.close();
  }
}
