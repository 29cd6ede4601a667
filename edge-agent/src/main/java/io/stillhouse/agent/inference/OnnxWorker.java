package io.stillhouse.agent.inference;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;

/**
 * Pinned buffers for one run at a time on one session: an inference copies its image in, runs, and
 * reads the logits, without a tensor being made.
 *
 * <p>Thread-confined but for {@link #endWhenOverdue}, which a watchdog may call at any time.
 */
final class OnnxWorker implements AutoCloseable {
  private final OrtSession session;
  private final FloatBuffer input;
  private final FloatBuffer output;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;
  private final OrtSession.RunOptions runOptions;

  // Guarded by this. The flags tell apart a run that was ended from one that failed by itself, and
  // keep a late watchdog from ending the run after the one it meant.
  private boolean running;
  private boolean ended;
  private long startedNanos;

  OnnxWorker(OnnxSession owner) throws OrtException {
    this.session = owner.session();
    this.input = direct(owner.inputElements());
    this.output = direct(owner.classes());
    this.runOptions = new OrtSession.RunOptions();
    OnnxTensor in =
        OnnxTensor.createTensor(OnnxRuntime.environment(), input, owner.input().shape());
    OnnxTensor out =
        OnnxTensor.createTensor(OnnxRuntime.environment(), output, owner.output().shape());
    this.inputs = Map.of(owner.input().name(), in);
    this.outputs = Map.of(owner.output().name(), out);
  }

  private static FloatBuffer direct(int elements) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(Float.BYTES, elements))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** Copies {@code image}, from its position on, into the pinned input. */
  void load(FloatBuffer image) {
    input.put(0, image, image.position(), input.capacity());
  }

  /** Runs on the loaded input; the result is in {@link #output} until the next run. */
  void run(long nowNanos) throws OrtException {
    synchronized (this) {
      running = true;
      startedNanos = nowNanos;
    }
    try {
      session.run(inputs, Set.of(), outputs, runOptions).close();
    } finally {
      synchronized (this) {
        running = false;
        if (ended) {
          runOptions.setTerminate(false);
        }
      }
    }
  }

  /** True, once, when the last run was ended by the watchdog. */
  synchronized boolean takeEnded() {
    boolean was = ended;
    ended = false;
    return was;
  }

  /** Asks the runtime to stop the current run when it began {@code timeoutNanos} ago or earlier. */
  synchronized void endWhenOverdue(long nowNanos, long timeoutNanos) {
    if (running && !ended && nowNanos - startedNanos >= timeoutNanos) {
      try {
        runOptions.setTerminate(true);
        ended = true;
      } catch (OrtException e) {
        throw new IllegalStateException("the runtime refuses to end a run", e);
      }
    }
  }

  FloatBuffer output() {
    return output;
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
    runOptions.close();
  }
}
