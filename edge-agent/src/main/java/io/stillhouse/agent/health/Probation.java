package io.stillhouse.agent.health;

import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.GoldenSet;
import io.stillhouse.agent.inference.InferenceOutcome;
import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.ModelHost;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Judges the live model by what it has answered since it became live, golden inputs included.
 *
 * <p>In this order: a model that is no longer live, a value that is not finite, or errors beyond
 * {@link #ERROR_SHARE_MAX} fail it; before its time is over, and before {@link #ANSWERED_MIN}
 * answers, it waits; else it passes. Thread-confined.
 */
final class Probation implements Trials.Watch {
  /** Answers without which nothing is known. */
  static final long ANSWERED_MIN = 20;

  /** Errors, mostly timeouts, that a busy machine may cause. */
  static final double ERROR_SHARE_MAX = 0.02;

  /** Fewer errors prove nothing, whatever their share of the few inferences. */
  static final long ERRORS_MIN = 3;

  /**
   * Golden inputs that one poll runs when its time is over and live input is missing: an idle
   * device can also commit, for its model has then answered through the very path that live input
   * takes. They are few, so that a poll stays short. They count here alone: telemetry has none of
   * them, for a fleet's gate must not take them for evidence of what the devices meet.
   */
  static final int REPLAYS_PER_POLL = 32;

  private final ModelHost host;
  private final Path slot;
  private final BundlePlan plan;
  private final Duration length;
  private final LongSupplier nanoTicker;
  private final long beginNanos;

  Probation(ModelHost host, Path slot, BundlePlan plan, Duration length, LongSupplier nanoTicker) {
    this.host = host;
    this.slot = slot;
    this.plan = plan;
    this.length = length;
    this.nanoTicker = nanoTicker;
    this.beginNanos = nanoTicker.getAsLong();
  }

  @Override
  public Verdict poll() {
    LiveStats.Counts counts = counts();
    Optional<Verdict> harm = harm(counts);
    if (harm.isPresent()) {
      return harm.get();
    }
    Duration passed = Duration.ofNanos(nanoTicker.getAsLong() - beginNanos);
    if (passed.compareTo(length) < 0) {
      return new Verdict.Wait();
    }
    if (proven(counts)) {
      return new Verdict.Pass();
    }
    Optional<Verdict> unreplayable = replay();
    if (unreplayable.isPresent()) {
      return unreplayable.get();
    }
    LiveStats.Counts more = counts();
    return harm(more).orElse(proven(more) ? new Verdict.Pass() : new Verdict.Wait());
  }

  private LiveStats.Counts counts() {
    return host.stats().counts().plus(host.replayed());
  }

  private Optional<Verdict> harm(LiveStats.Counts counts) {
    String expected = plan.digest().sha256Hex();
    String live = host.live().map(LoadedSlot::digest).orElse("none");
    if (!live.equals(expected)) {
      return fail("live model: %.12s (expected: %.12s)".formatted(live, expected));
    }
    if (counts.nonFinite() > 0) {
      return fail(
          "answers with values that are not finite: %d of %d (expected: 0)"
              .formatted(counts.nonFinite(), counts.inferences()));
    }
    if (counts.errors() >= ERRORS_MIN && errorShareTooHigh(counts)) {
      return fail(
          "errors: %d of %d inferences, %d of them timeouts (expected: a share of at most %s)"
              .formatted(counts.errors(), counts.inferences(), counts.timeouts(), ERROR_SHARE_MAX));
    }
    return Optional.empty();
  }

  private static Optional<Verdict> fail(String reason) {
    return Optional.of(new Verdict.Fail(reason));
  }

  private static boolean errorShareTooHigh(LiveStats.Counts counts) {
    return counts.errors() > ERROR_SHARE_MAX * counts.inferences();
  }

  /** One error among few inferences is neither harm nor proof: more of them decide. */
  private static boolean proven(LiveStats.Counts counts) {
    return counts.inferences() - counts.errors() >= ANSWERED_MIN && !errorShareTooHigh(counts);
  }

  private Optional<Verdict> replay() {
    Replay replay = new Replay(host);
    try (InputStream in =
        new BufferedInputStream(Files.newInputStream(slot.resolve(BundlePlan.GOLDEN)))) {
      GoldenSet.read(in, plan.facts(), (input, output) -> replay.take(input));
    } catch (ArtifactRefusedException | IOException e) {
      return fail("its golden inputs cannot be read back: " + e.getMessage());
    }
    return replay.rejection.isEmpty()
        ? Optional.empty()
        : fail("a golden input does not fit: " + replay.rejection);
  }

  /** Runs golden inputs until something other than an answer comes, or enough have run. */
  private static final class Replay {
    private final ModelHost host;
    private int left = REPLAYS_PER_POLL;
    private String rejection = "";

    Replay(ModelHost host) {
      this.host = host;
    }

    void take(List<Float> input) {
      if (left == 0) {
        return;
      }
      left--;
      FloatBuffer image = FloatBuffer.allocate(input.size());
      for (int i = 0; i < input.size(); i++) {
        image.put(i, input.get(i));
      }
      InferenceOutcome outcome = host.replay(image);
      if (outcome instanceof InferenceOutcome.Rejected rejected) {
        rejection = rejected.reason();
      }
      if (!(outcome instanceof InferenceOutcome.Answered)) {
        // A failure is counted by the host, and one that hangs must not be met again and again.
        left = 0;
      }
    }
  }
}
