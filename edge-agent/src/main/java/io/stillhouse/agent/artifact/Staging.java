package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.RefusalReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * The area where a bundle grows, chunk by chunk, until it is whole. A chunk is kept only when its
 * bytes have the digest that the signed manifest gives; which chunks are there is read back from
 * the bytes themselves, so a kill or a power cut costs at most what was not on disk, and never
 * leaves a claim that the bytes do not support. At most one bundle grows at a time.
 *
 * <p>A disk that refuses to write is a clean refusal, {@code NO_SPACE}: what was verified stays for
 * the next try. Not thread-safe: one updater owns it.
 */
public final class Staging {
  /** Kept free beside a download, for the journal, the spool and everybody else. */
  static final long RESERVE_BYTES = 8L << 20;

  /** Times that one chunk is asked for before the attempt is given up. */
  static final int CHUNK_TRIES_MAX = 3;

  private final Disk disk;
  private final Layout layout;
  private final Slots slots;
  private final Bundles bundles;
  private final long storageBytesMax;

  /**
   * An area in the layout's staging directory.
   *
   * @param storageBytesMax granted to all bundles together; 0 = no limit
   */
  public Staging(Disk disk, Layout layout, Slots slots, long storageBytesMax) {
    this.disk = disk;
    this.layout = layout;
    this.slots = slots;
    this.bundles = new Bundles(disk);
    this.storageBytesMax = storageBytesMax;
  }

  /** Told of every chunk that was kept. */
  public interface Meter {
    void chunkKept(int bytes) throws InterruptedException;
  }

  /**
   * Begins, or goes on with, the bundle of an accepted manifest; other bundles' chunks go.
   *
   * @throws ArtifactRefusedException {@code NO_SPACE} or {@code TOO_LARGE}
   */
  public void begin(SignedBytes signed, BundlePlan plan, Models models)
      throws ArtifactRefusedException {
    try {
      // A start on a full disk may have had to go on without them.
      layout.create(disk);
      keepOnly(plan.digest());
      slots.clearUnused(models);
      checkSpace(plan, models);
      Path directory = layout.staging(plan.digest());
      disk.createDirectory(directory);
      bundles.writeManifest(directory, signed);
      disk.forceDirectory(directory);
      disk.forceDirectory(layout.staging());
    } catch (IOException e) {
      throw noSpace(e);
    }
  }

  /** The plan of the bundle that is growing; empty-handed callers begin anew. */
  public BundlePlan plan(Digest digest) throws ArtifactRefusedException {
    try {
      return bundles.readPlan(layout.staging(digest), digest);
    } catch (IOException e) {
      throw ArtifactRefusedException.passing(
          RefusalReason.TRUNCATED, "the staging area lost the manifest: " + e.getMessage());
    }
  }

  /** Fetches the chunks that are missing, and only those. */
  public void fill(BundlePlan plan, ArtifactSource source, Meter meter)
      throws ArtifactRefusedException, InterruptedException {
    for (FilePlan bundled : plan.files()) {
      FilePlan file = bundled.travelling();
      BitSet kept = keptChunks(plan, file);
      int tries = 0;
      int missing = kept.nextClearBit(0);
      while (missing < file.chunks().size()) {
        boolean damaged = fetchRun(plan, file, kept, new Run(missing, source, meter));
        int next = kept.nextClearBit(0);
        tries = next == missing ? tries + 1 : 0;
        if (tries >= CHUNK_TRIES_MAX) {
          throw ArtifactRefusedException.passing(
              damaged ? RefusalReason.BAD_DIGEST : RefusalReason.TRUNCATED,
              "%s: chunk %d %s, %d times"
                  .formatted(
                      file.name(), missing, damaged ? "came damaged" : "did not come", tries));
        }
        missing = next;
      }
    }
  }

  private record Run(int first, ArtifactSource source, Meter meter) {}

  /**
   * One stream, from the first missing chunk to the next one that is there. What it reads is
   * bounded: a chunk beyond the end, out of order or of another length ends the stream.
   *
   * @return whether a damaged chunk ended it
   */
  private boolean fetchRun(BundlePlan plan, FilePlan file, BitSet kept, Run run)
      throws ArtifactRefusedException, InterruptedException {
    Path path = layout.staging(plan.digest()).resolve(file.name());
    int[] expected = {run.first()};
    boolean[] damaged = {false};
    int chunks = file.chunks().size();
    run.source()
        .chunks(
            plan.digest(),
            file,
            run.first(),
            (index, bytes) -> {
              if (expected[0] >= chunks || bytes.length > FilePlan.CHUNK_BYTES) {
                throw ArtifactRefusedException.permanent(
                    RefusalReason.ENDLESS_DATA,
                    "%s: more data than the manifest declares".formatted(file.name()));
              }
              if (index != expected[0]) {
                throw ArtifactRefusedException.passing(
                    RefusalReason.BAD_DIGEST,
                    "%s: chunk %d came (expected: %d)".formatted(file.name(), index, expected[0]));
              }
              if (!Sha256.hex(bytes).equals(file.chunks().get(index))) {
                damaged[0] = true;
                return false;
              }
              try {
                disk.writeAt(path, (long) index * FilePlan.CHUNK_BYTES, bytes);
              } catch (IOException e) {
                throw noSpace(e);
              }
              kept.set(index);
              run.meter().chunkKept(bytes.length);
              expected[0]++;
              // At the end of the file one more message is awaited, so that endless data shows.
              return expected[0] >= chunks || !kept.get(expected[0]);
            });
    return damaged[0];
  }

  /**
   * Makes a full bundle durable, checks all of it and moves it into a free slot.
   *
   * @throws ArtifactRefusedException with what is wrong; damaged bytes are dropped
   */
  public Installed verifyAndInstall(BundlePlan plan, Models models)
      throws ArtifactRefusedException {
    Path directory = layout.staging(plan.digest());
    try {
      for (FilePlan file : plan.files()) {
        unfold(directory, file);
        disk.force(directory.resolve(file.name()));
      }
      disk.forceDirectory(directory);
      bundles.checkFiles(directory, plan);
      bundles.checkContent(directory, plan);
      for (FilePlan file : plan.files()) {
        Path travelled = directory.resolve(file.travelling().name());
        if (file.packed().isPresent() && disk.exists(travelled)) {
          disk.delete(travelled);
        }
      }
      return slots.install(directory, plan, models);
    } catch (ArtifactRefusedException e) {
      drop(plan.digest());
      throw e;
    } catch (IOException e) {
      throw noSpace(e);
    }
  }

  /** Without its packed form a file is what an earlier try left, or what travelled as it is. */
  private void unfold(Path directory, FilePlan file) throws ArtifactRefusedException, IOException {
    FilePlan packed = file.travelling();
    if (packed.equals(file) || !disk.exists(directory.resolve(packed.name()))) {
      return;
    }
    // Chunks were checked as they came, but a power cut may have taken them since.
    bundles.checkFile(directory, packed);
    Path whole = directory.resolve(file.name());
    if (disk.exists(whole)) {
      disk.delete(whole);
    }
    try {
      new Unfolding(disk).unfold(directory.resolve(packed.name()), whole, file.sizeBytes());
    } catch (Unfolding.MalformedException e) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.MALFORMED,
          "%s does not unfold: %s".formatted(packed.name(), e.getMessage()));
    }
  }

  /** Whether a bundle of this digest has begun to grow. */
  public boolean has(Digest digest) {
    return disk.exists(layout.staging(digest).resolve(Layout.MANIFEST));
  }

  /** The signed manifest of a bundle that has begun to grow. */
  public SignedBytes manifest(Digest digest) throws IOException {
    return bundles.readManifest(layout.staging(digest));
  }

  /** Removes everything but one bundle. */
  private void keepOnly(Digest digest) throws IOException {
    for (Path entry : disk.list(layout.staging())) {
      if (!entry.getFileName().toString().equals(digest.sha256Hex())) {
        disk.deleteTree(entry);
      }
    }
  }

  private void drop(Digest digest) {
    try {
      disk.deleteTree(layout.staging(digest));
    } catch (IOException e) {
      // It is checked again before use, and removed before the next bundle begins.
    }
  }

  private BitSet keptChunks(BundlePlan plan, FilePlan file) throws ArtifactRefusedException {
    Path path = layout.staging(plan.digest()).resolve(file.name());
    BitSet kept = new BitSet(file.chunks().size());
    if (!disk.exists(path)) {
      return kept;
    }
    try {
      if (disk.size(path) > file.sizeBytes()) {
        disk.delete(path);
        return kept;
      }
      try (InputStream in = disk.open(path)) {
        for (int i = 0; i < file.chunks().size(); i++) {
          byte[] chunk = in.readNBytes(file.chunkBytes(i));
          if (chunk.length == 0) {
            break;
          }
          kept.set(i, Sha256.hex(chunk).equals(file.chunks().get(i)));
        }
      }
      return kept;
    } catch (IOException e) {
      throw noSpace(e);
    }
  }

  private void checkSpace(BundlePlan plan, Models models)
      throws ArtifactRefusedException, IOException {
    long held = slots.bytesHeld(models);
    if (storageBytesMax > 0 && held + plan.sizeBytes() > storageBytesMax) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.TOO_LARGE,
          "%d bytes beside %d kept ones exceed the storage granted to models, %d; raise"
                  .formatted(plan.sizeBytes(), held, storageBytesMax)
              + " artifact.storageBytesMax");
    }
    long kept = 0;
    for (FilePlan file : plan.files()) {
      Path path = layout.staging(plan.digest()).resolve(file.travelling().name());
      kept += disk.exists(path) ? disk.size(path) : 0;
    }
    long needed = Math.max(0, plan.stagedBytes() - kept) + RESERVE_BYTES;
    long free = disk.freeBytes(layout.root());
    if (free < needed) {
      throw ArtifactRefusedException.passing(
          RefusalReason.NO_SPACE,
          "%d bytes free (expected: at least %d); free some space in %s"
              .formatted(free, needed, layout.root()));
    }
  }

  private static ArtifactRefusedException noSpace(IOException cause) {
    return ArtifactRefusedException.passing(
        RefusalReason.NO_SPACE, "the disk refused: " + cause.getMessage());
  }
}
