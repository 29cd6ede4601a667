package io.stillhouse.agent.update;

import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.Journal;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.ManifestVerifier;
import io.stillhouse.agent.artifact.Slots;
import io.stillhouse.agent.artifact.Staging;
import io.stillhouse.agent.health.Trials;
import io.stillhouse.agent.health.Verdict;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Phase;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.FakeDisk;
import io.stillhouse.agent.testing.FakeHost;
import io.stillhouse.agent.testing.FakeSource;
import io.stillhouse.agent.testing.TestBundle;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** One device around an updater: a disk that loses power, a source, trials that end as told. */
final class UpdateWorld implements Trials {
  static final Duration PROBATION = Duration.ofSeconds(3);
  private static final int STEPS_MAX = 200;

  final FakeDisk disk = new FakeDisk();
  final Layout layout = new Layout(Path.of("/agent"));
  final FakeSource source = new FakeSource();
  final List<Phase> phases = new ArrayList<>();
  FakeHost host = new FakeHost(disk);
  Updater updater;
  String selfTestFailure = "";
  Verdict probation = new Verdict.Pass();
  String hardwareClass = TestBundle.HARDWARE_CLASS;
  long nanos;
  private final Random random = new Random(1);

  UpdateWorld() throws IOException {
    disk.createDirectories(layout.root());
    layout.create(disk);
    updater = boot();
  }

  /** A fresh process on the same disk. */
  Updater boot() throws IOException {
    host = new FakeHost(disk);
    Slots slots = new Slots(disk, layout);
    ManifestVerifier verifier;
    try {
      verifier =
          new ManifestVerifier(
              List.of(TestBundle.KEYS.getPublic().getEncoded()),
              new ManifestVerifier.DeviceTerms(TestBundle.HARDWARE_CLASS, "x86_64", "1.28.0", 0));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
    updater =
        new Updater(
            new Updater.Store(
                new Journal(disk, layout.journal()), slots, new Staging(disk, layout, slots, 0)),
            new Updater.Ports(
                source,
                () -> verifier.forClass(hardwareClass),
                this,
                host,
                (state, running) -> phases.add(state.phase())),
            new Updater.Timing(() -> nanos, random));
    updater.boot();
    return updater;
  }

  /** Wishes a bundle and works until nothing is left to do. */
  UpdateState deploy(long generation, TestBundle bundle) {
    source.serving(bundle);
    updater.wish(new Desired(generation, Optional.of(bundle.digest()), "rollout", 1, PROBATION));
    return settle();
  }

  /** Works until at rest; waiting costs no time. */
  UpdateState settle() {
    for (int i = 0; i < STEPS_MAX; i++) {
      nanos += updater.step().toNanos();
      if (updater.state().phase().atRest() && !updater.abandoned()) {
        return updater.state();
      }
    }
    throw new AssertionError("still " + updater.state() + " after " + STEPS_MAX + " steps");
  }

  @Override
  public TestFigures selfTest(Path slot, BundlePlan plan) {
    return new TestFigures(0, 1, new TestFigures.LatencyMicros(10, 20), 1_000, selfTestFailure);
  }

  @Override
  public Watch watch(Path slot, BundlePlan plan, Duration length) {
    return () -> probation;
  }
}
