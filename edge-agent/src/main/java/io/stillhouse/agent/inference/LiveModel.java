package io.stillhouse.agent.inference;

import ai.onnxruntime.OrtException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * One loaded model with its workers.
 *
 * <p>Closing an ONNX Runtime session under a running inference kills the process. Each model
 * therefore has a lock of its own: inferences hold it for reading from {@link #enter} to {@link
 * #leave}, and {@link #retire} closes under the write lock. The lock is per model and not per host,
 * so that a swap never makes inferences on the new model wait for those on the old one.
 */
final class LiveModel {
  /** The first runs allocate and choose kernels; they are slow and must not meet live input. */
  private static final int WARM_UP_RUNS = 3;

  private final OnnxSession session;
  private final List<OnnxWorker> workers;
  private final BlockingQueue<OnnxWorker> idle;
  private final RunWatchdog watchdog;
  private final LongSupplier nanoTicker;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed; // guarded by lock

  /** What inferences are counted under; replaced when the slot is committed. */
  private volatile Chapter chapter;

  /**
   * A tenure in the making.
   *
   * @param ledger of live input
   * @param replays of golden input
   */
  record Chapter(long id, LoadedSlot slot, StatsLedger ledger, StatsLedger replays) {
    static Chapter begin(long id, LoadedSlot slot, int classes) {
      return new Chapter(id, slot, new StatsLedger(classes), new StatsLedger(classes));
    }

    Tenure tenure(boolean live) {
      return new Tenure(id, slot, live, ledger.snapshot());
    }
  }

  /** What a model needs of its host. */
  record Surroundings(HostSettings settings, RunWatchdog watchdog, LongSupplier nanoTicker) {}

  private LiveModel(
      OnnxSession session, List<OnnxWorker> workers, Chapter chapter, Surroundings around) {
    this.session = session;
    this.workers = List.copyOf(workers);
    this.idle = new ArrayBlockingQueue<>(workers.size(), false, workers);
    this.watchdog = around.watchdog;
    this.nanoTicker = around.nanoTicker;
    this.chapter = chapter;
  }

  /**
   * Loads and warms up.
   *
   * @throws ModelRefusedException when the model does not run as the slot's card says
   */
  static LiveModel open(byte[] onnx, LoadedSlot slot, long tenureId, Surroundings around) {
    OnnxSession session = OnnxSession.open(onnx, around.settings.threads());
    List<OnnxWorker> workers = new ArrayList<>();
    try {
      checkCard(session, slot.card());
      for (int i = 0; i < around.settings.workers(); i++) {
        OnnxWorker worker = new OnnxWorker(session);
        workers.add(worker);
        around.watchdog.watch(worker);
        warmUp(worker, session.inputElements(), around.nanoTicker);
      }
      Chapter chapter = Chapter.begin(tenureId, slot, session.classes());
      return new LiveModel(session, workers, chapter, around);
    } catch (OrtException e) {
      close(session, workers, around.watchdog);
      throw new ModelRefusedException(
          "ONNX Runtime cannot run the model: " + OnnxRuntime.reason(e), e);
    } catch (RuntimeException e) {
      close(session, workers, around.watchdog);
      throw e;
    }
  }

  private static void checkCard(OnnxSession session, LoadedSlot.ModelCard card) {
    if (session.inputElements() != card.preprocessing().elements()) {
      throw new ModelRefusedException(
          "the model takes %d values (its manifest says %d)"
              .formatted(session.inputElements(), card.preprocessing().elements()),
          null);
    }
    if (session.classes() != card.labels().size()) {
      throw new ModelRefusedException(
          "the model gives %d logits (its manifest has %d labels)"
              .formatted(session.classes(), card.labels().size()),
          null);
    }
  }

  private static void warmUp(OnnxWorker worker, int inputElements, LongSupplier nanoTicker)
      throws OrtException {
    worker.load(FloatBuffer.allocate(inputElements));
    for (int run = 0; run < WARM_UP_RUNS; run++) {
      worker.run(nanoTicker.getAsLong());
      if (!Logits.copyOf(worker.output()).finite()) {
        throw new ModelRefusedException(
            "the model gives non-finite logits for a blank image", null);
      }
    }
  }

  Chapter chapter() {
    return chapter;
  }

  /** Counts from now on under another slot record of the same artifact. */
  void beginChapter(long id, LoadedSlot slot) {
    chapter = Chapter.begin(id, slot, session.classes());
  }

  /** Keeps the model open until {@link #leave}; false when it is closed already. */
  boolean enter() {
    lock.readLock().lock();
    if (closed) {
      lock.readLock().unlock();
      return false;
    }
    return true;
  }

  void leave() {
    lock.readLock().unlock();
  }

  /** One inference; only between {@link #enter} and {@link #leave}. */
  InferenceOutcome infer(FloatBuffer image, OptionalInt expectedLabel) {
    return infer(image, expectedLabel, Chapter::ledger);
  }

  /** The same on a golden input, which is counted apart. */
  InferenceOutcome replay(FloatBuffer image) {
    return infer(image, OptionalInt.empty(), Chapter::replays);
  }

  private InferenceOutcome infer(
      FloatBuffer image, OptionalInt expectedLabel, Function<Chapter, StatsLedger> countedIn) {
    if (image.remaining() != session.inputElements()) {
      return new InferenceOutcome.Rejected(
          "the image has %d values (expected: %d)"
              .formatted(image.remaining(), session.inputElements()));
    }
    OnnxWorker worker;
    try {
      worker = idle.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      countedIn.apply(chapter).busy();
      return new InferenceOutcome.Busy();
    }
    try {
      // After the wait: what the run is counted under is what is live when it begins.
      Chapter current = chapter;
      return run(worker, new Count(current.slot, countedIn.apply(current)), image, expectedLabel);
    } finally {
      idle.add(worker);
    }
  }

  /** What answers, and where it is counted. */
  private record Count(LoadedSlot slot, StatsLedger ledger) {}

  private InferenceOutcome run(
      OnnxWorker worker, Count counted, FloatBuffer image, OptionalInt expectedLabel) {
    long startNanos = nanoTicker.getAsLong();
    worker.load(image);
    try {
      worker.run(startNanos);
    } catch (OrtException e) {
      if (worker.takeEnded()) {
        counted.ledger.timeout();
        return new InferenceOutcome.Failed(counted.slot, "the model took too long and was stopped");
      }
      counted.ledger.runtimeError();
      return new InferenceOutcome.Failed(
          counted.slot, "the runtime failed: " + OnnxRuntime.reason(e));
    }
    worker.takeEnded();
    Logits logits = Logits.copyOf(worker.output());
    long latencyNanos = nanoTicker.getAsLong() - startNanos;
    if (!logits.finite()) {
      counted.ledger.nonFinite();
      return new InferenceOutcome.Failed(counted.slot, "the model gave non-finite values");
    }
    int label = logits.argMax();
    double confidence = logits.confidence();
    counted.ledger.answered(label, confidence, latencyNanos, expectedLabel);
    return new InferenceOutcome.Answered(counted.slot, logits, label, confidence, latencyNanos);
  }

  /** Waits for the inferences under way, then frees everything. */
  void retire() {
    lock.writeLock().lock();
    try {
      closed = true;
      close(session, workers, watchdog);
    } finally {
      lock.writeLock().unlock();
    }
  }

  private static void close(OnnxSession session, List<OnnxWorker> workers, RunWatchdog watchdog) {
    for (OnnxWorker worker : workers) {
      watchdog.forget(worker);
      worker.close();
    }
    session.close();
  }
}
