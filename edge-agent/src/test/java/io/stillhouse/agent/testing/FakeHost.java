package io.stillhouse.agent.testing;

import io.stillhouse.agent.artifact.Disk;
import io.stillhouse.agent.artifact.Sha256;
import io.stillhouse.agent.inference.InferenceOutcome;
import io.stillhouse.agent.inference.LatencyHistogram;
import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.inference.ModelRefusedException;
import io.stillhouse.agent.inference.Tenure;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** A model host without a runtime: it checks the file's digest as the real one does. */
public final class FakeHost implements ModelHost {
  private final Disk disk;
  private Optional<LoadedSlot> live = Optional.empty();
  private LiveStats stats = LiveStats.none(TestBundle.CLASSES);
  private Function<FloatBuffer, InferenceOutcome> answer = image -> new InferenceOutcome.NoModel();

  /** Every activation, oldest first. */
  public final List<LoadedSlot> activations = Collections.synchronizedList(new ArrayList<>());

  public FakeHost(Disk disk) {
    this.disk = disk;
  }

  @Override
  public synchronized void activate(LoadedSlot slot) {
    try {
      if (!Sha256.hex(disk.read(slot.file().path(), 1 << 24)).equals(slot.file().sha256())) {
        throw new ModelRefusedException("the model file is not the one of the manifest", null);
      }
    } catch (IOException e) {
      throw new ModelRefusedException("the model file cannot be read: " + e, e);
    }
    live = Optional.of(slot);
    activations.add(slot);
  }

  @Override
  public synchronized void deactivate() {
    live = Optional.empty();
  }

  @Override
  public synchronized Optional<LoadedSlot> live() {
    return live;
  }

  /** How inferences are answered. */
  public synchronized void answering(Function<FloatBuffer, InferenceOutcome> next) {
    answer = next;
  }

  @Override
  public synchronized InferenceOutcome infer(FloatBuffer image, OptionalInt expectedLabel) {
    return answer.apply(image);
  }

  @Override
  public InferenceOutcome infer(String digest, FloatBuffer image, OptionalInt expectedLabel) {
    return infer(image, expectedLabel);
  }

  @Override
  public InferenceOutcome replay(FloatBuffer image) {
    return infer(image, OptionalInt.empty());
  }

  @Override
  public synchronized LiveStats stats() {
    return stats;
  }

  @Override
  public LiveStats.Counts replayed() {
    return LiveStats.none(0).counts();
  }

  /** What the live tenure has counted, with all latencies in one bucket. */
  public synchronized void counted(LiveStats.Counts counts, long latencyMicros) {
    List<Long> buckets = new ArrayList<>(Collections.nCopies(LatencyHistogram.BUCKETS, 0L));
    buckets.set(LatencyHistogram.bucketOf(latencyMicros), counts.inferences() - counts.errors());
    stats =
        new LiveStats(
            counts,
            new LatencyHistogram(buckets),
            new LiveStats.Confidence(0, 0),
            Collections.nCopies(TestBundle.CLASSES, 0L),
            new LiveStats.Feedback(0, 0));
  }

  @Override
  public List<Tenure> tenures() {
    return List.of();
  }

  @Override
  public void close() {
    deactivate();
  }
}
