package io.stillhouse.agent.testing;

import io.stillhouse.agent.inference.InferenceOutcome;
import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.inference.Tenure;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** A host whose answers and counts the test sets. */
public final class ScriptedHost implements ModelHost {
  public volatile List<Tenure> tenures = List.of();
  public volatile Optional<LoadedSlot> live = Optional.empty();
  public volatile InferenceOutcome outcome = new InferenceOutcome.NoModel();

  @Override
  public void activate(LoadedSlot slot) {
    live = Optional.of(slot);
  }

  @Override
  public void deactivate() {
    live = Optional.empty();
  }

  @Override
  public Optional<LoadedSlot> live() {
    return live;
  }

  @Override
  public InferenceOutcome infer(FloatBuffer image, OptionalInt expectedLabel) {
    return outcome;
  }

  @Override
  public InferenceOutcome infer(String digest, FloatBuffer image, OptionalInt expectedLabel) {
    return infer(image, expectedLabel);
  }

  @Override
  public InferenceOutcome replay(FloatBuffer image) {
    return outcome;
  }

  @Override
  public LiveStats stats() {
    return LiveStats.none(0);
  }

  @Override
  public LiveStats.Counts replayed() {
    return LiveStats.none(0).counts();
  }

  @Override
  public List<Tenure> tenures() {
    return tenures;
  }

  @Override
  public void close() {}
}
