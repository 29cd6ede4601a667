package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.Slot;
import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The places where whole, verified bundles lie. A bundle enters a slot by one rename, so a slot
 * holds a bundle or nothing. The slots of the committed model and its fallback are never written.
 * Not thread-safe: one updater owns it.
 */
public final class Slots {
  /** Marks a bundle that was committed once; holds the generation. Read only without a journal. */
  private static final String PROVEN = "proven";

  private static final int PROVEN_BYTES_MAX = 32;

  private final Disk disk;
  private final Layout layout;
  private final Bundles bundles;

  public Slots(Disk disk, Layout layout) {
    this.disk = disk;
    this.layout = layout;
    this.bundles = new Bundles(disk);
  }

  public Path path(Slot slot) {
    return layout.slot(slot);
  }

  /** What a held bundle is, from its manifest. */
  public BundlePlan plan(Installed installed) throws ArtifactRefusedException, IOException {
    return bundles.readPlan(path(installed.slot()), installed.digest());
  }

  /**
   * Checks every byte of a held bundle against its digest.
   *
   * @throws ArtifactRefusedException when a byte is off
   */
  public BundlePlan verify(Installed installed) throws ArtifactRefusedException, IOException {
    BundlePlan plan = plan(installed);
    bundles.checkFiles(path(installed.slot()), plan);
    return plan;
  }

  /** The slots of this state whose bundles are no longer what they were. */
  public Set<Slot> damaged(Models models) {
    Set<Slot> damaged = EnumSet.noneOf(Slot.class);
    Stream.of(models.committed(), models.fallback(), models.trial())
        .flatMap(Optional::stream)
        .forEach(
            held -> {
              try {
                verify(held);
              } catch (ArtifactRefusedException | IOException e) {
                damaged.add(held.slot());
              }
            });
    return damaged;
  }

  /** Moves a verified bundle directory into a slot that is not in use. */
  Installed install(Path bundle, BundlePlan plan, Models models) throws IOException {
    Slot slot = models.freeSlot();
    clear(slot);
    disk.move(bundle, path(slot));
    disk.forceDirectory(layout.slots());
    disk.forceDirectory(layout.staging());
    return new Installed(slot, plan.digest(), plan.release());
  }

  /** Notes beside a bundle that it was committed, for a boot that cannot read the journal. */
  public void markProven(Installed installed, long generation) throws IOException {
    disk.replace(
        path(installed.slot()).resolve(PROVEN),
        Long.toString(generation).getBytes(StandardCharsets.US_ASCII));
  }

  /** Empties the slots that no model of the state lies in. */
  public void clearUnused(Models models) throws IOException {
    for (Slot slot : Slot.values()) {
      if (!models.slotsInUse().contains(slot)) {
        clear(slot);
      }
    }
  }

  private void clear(Slot slot) throws IOException {
    if (disk.exists(path(slot))) {
      disk.deleteTree(path(slot));
      disk.forceDirectory(layout.slots());
    }
  }

  /** Bytes of the bundles that the state keeps. */
  long bytesHeld(Models models) throws IOException {
    long sum = 0;
    for (Slot slot : models.slotsInUse()) {
      for (Path file : disk.list(path(slot))) {
        sum += disk.size(file);
      }
    }
    return sum;
  }

  /**
   * The state of a device whose journal is lost: the best bundle whose signature and bytes verify.
   * Bundles that were committed come first, the latest commit before earlier ones; then newer
   * releases before older.
   */
  public UpdateState recover(ManifestVerifier verifier) {
    List<Found> found = new ArrayList<>();
    for (Slot slot : Slot.values()) {
      try {
        BundlePlan plan = verifier.genuine(bundles.readManifest(path(slot)));
        bundles.checkFiles(path(slot), plan);
        found.add(
            new Found(
                new Installed(slot, plan.digest(), plan.release()),
                provenGeneration(slot),
                plan.terms().createdEpochMillis()));
      } catch (ArtifactRefusedException | IOException e) {
        // Whatever lies there is not a bundle of ours; the slot counts as empty.
      }
    }
    found.sort(
        Comparator.comparingLong(Found::provenGeneration)
            .thenComparingLong(f -> f.bundle().release().counter())
            .thenComparingLong(Found::createdEpochMillis)
            .reversed());
    // A fallback is trusted without a new trial, so one that was never committed is none.
    return UpdateState.recovered(
        nth(found, 0), nth(found.stream().filter(Found::proven).toList(), 1));
  }

  private record Found(Installed bundle, long provenGeneration, long createdEpochMillis) {
    boolean proven() {
      return provenGeneration >= 0;
    }
  }

  private static Optional<Installed> nth(List<Found> found, int index) {
    return index < found.size() ? Optional.of(found.get(index).bundle()) : Optional.empty();
  }

  private long provenGeneration(Slot slot) {
    try {
      String text =
          new String(
              disk.read(path(slot).resolve(PROVEN), PROVEN_BYTES_MAX), StandardCharsets.US_ASCII);
      return Long.parseLong(text);
    } catch (IOException | NumberFormatException e) {
      return -1;
    }
  }

  /**
   * A bundle of this digest that lies in any slot and whose every byte is right: the fallback, or
   * one that was installed just before a cut.
   */
  public Optional<Installed> find(Digest digest) {
    for (Slot slot : Slot.values()) {
      try {
        BundlePlan plan = bundles.readPlan(path(slot), digest);
        bundles.checkFiles(path(slot), plan);
        return Optional.of(new Installed(slot, digest, plan.release()));
      } catch (ArtifactRefusedException | IOException e) {
        // Not in this one.
      }
    }
    return Optional.empty();
  }

  /** The signed manifest in a slot. */
  public SignedBytes manifest(Slot slot) throws IOException {
    return bundles.readManifest(path(slot));
  }
}
