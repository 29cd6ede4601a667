package io.stillhouse.agent.inference;

import io.stillhouse.agent.inference.LiveModel.Chapter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The {@link ModelHost} on ONNX Runtime.
 *
 * <p>At most {@code workers} runs compute at once and at most {@code waitersMax} callers wait for
 * them; everybody else is told {@code Busy} at once. While a swap is under way two models are in
 * memory.
 */
public final class OnnxModelHost implements ModelHost {
  /** No student for a device comes near; a larger file is refused before it fills the memory. */
  private static final int MODEL_BYTES_MAX = 512 << 20;

  private final LiveModel.Surroundings around;
  private final Semaphore admission;
  private final AtomicReference<@Nullable LiveModel> live = new AtomicReference<>();

  // Guarded by this, as is every change of the live model.
  private final Deque<Chapter> retired = new ArrayDeque<>();
  private long nextTenureId = 1;
  private boolean closed;

  /**
   * @param nanoTicker monotonic nanoseconds, {@code System::nanoTime} outside tests
   */
  public OnnxModelHost(HostSettings settings, LongSupplier nanoTicker) {
    RunWatchdog watchdog = new RunWatchdog(settings.runTimeout(), nanoTicker);
    this.around = new LiveModel.Surroundings(settings, watchdog, nanoTicker);
    this.admission = new Semaphore(settings.workers() + settings.waitersMax());
  }

  @Override
  public synchronized void activate(LoadedSlot slot) {
    if (closed) {
      throw new IllegalStateException("activate after close");
    }
    LiveModel current = live.get();
    if (current != null && current.chapter().slot().digest().equals(slot.digest())) {
      remember(current.chapter());
      current.beginChapter(nextTenureId++, slot);
      return;
    }
    LiveModel next = LiveModel.open(verifiedBytes(slot.file()), slot, nextTenureId, around);
    nextTenureId++;
    replaceWith(next);
  }

  @Override
  public synchronized void deactivate() {
    replaceWith(null);
  }

  private void replaceWith(@Nullable LiveModel next) {
    LiveModel previous = live.getAndSet(next);
    if (previous != null) {
      remember(previous.chapter());
      previous.retire();
    }
  }

  private void remember(Chapter chapter) {
    retired.addLast(chapter);
    if (retired.size() > Tenure.KEPT_MAX) {
      retired.removeFirst();
    }
  }

  private static byte[] verifiedBytes(LoadedSlot.ModelFile file) {
    byte[] bytes = read(file.path());
    String actual = HexFormat.of().formatHex(sha256().digest(bytes));
    if (!actual.equals(file.sha256())) {
      throw new ModelRefusedException(
          "the model file has SHA-256 %s (its manifest says %s)".formatted(actual, file.sha256()),
          null);
    }
    return bytes;
  }

  private static byte[] read(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(MODEL_BYTES_MAX);
      if (in.read() >= 0) {
        throw new ModelRefusedException(
            "the model file is larger than %d bytes".formatted(MODEL_BYTES_MAX), null);
      }
      return bytes;
    } catch (IOException e) {
      throw new ModelRefusedException("the model file cannot be read: " + e, e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  @Override
  public Optional<LoadedSlot> live() {
    return Optional.ofNullable(live.get()).map(model -> model.chapter().slot());
  }

  @Override
  public InferenceOutcome infer(FloatBuffer image, OptionalInt expectedLabel) {
    return onLiveModel(model -> model.infer(image, expectedLabel));
  }

  @Override
  public InferenceOutcome infer(String digest, FloatBuffer image, OptionalInt expectedLabel) {
    return onLiveModel(
        model ->
            model.chapter().slot().digest().equals(digest)
                ? model.infer(image, expectedLabel)
                : new InferenceOutcome.Replaced());
  }

  @Override
  public InferenceOutcome replay(FloatBuffer image) {
    return onLiveModel(model -> model.replay(image));
  }

  private InferenceOutcome onLiveModel(Function<LiveModel, InferenceOutcome> work) {
    if (!admission.tryAcquire()) {
      LiveModel model = live.get();
      if (model != null) {
        model.chapter().ledger().busy();
      }
      return new InferenceOutcome.Busy();
    }
    try {
      while (true) {
        LiveModel model = live.get();
        if (model == null) {
          return new InferenceOutcome.NoModel();
        }
        // A model that was closed between the two lines has been replaced: look again.
        if (model.enter()) {
          try {
            return work.apply(model);
          } finally {
            model.leave();
          }
        }
      }
    } finally {
      admission.release();
    }
  }

  @Override
  public LiveStats stats() {
    LiveModel model = live.get();
    return model == null ? LiveStats.none(0) : model.chapter().ledger().snapshot();
  }

  @Override
  public LiveStats.Counts replayed() {
    LiveModel model = live.get();
    return model == null ? LiveStats.Counts.NONE : model.chapter().replays().snapshot().counts();
  }

  @Override
  public synchronized List<Tenure> tenures() {
    List<Tenure> tenures = new ArrayList<>();
    retired.forEach(chapter -> tenures.add(chapter.tenure(false)));
    LiveModel model = live.get();
    if (model != null) {
      tenures.add(model.chapter().tenure(true));
    }
    return List.copyOf(tenures);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      replaceWith(null);
      around.watchdog().close();
    }
  }
}
