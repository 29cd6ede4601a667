package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.RefusalReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One bundle directory, in a slot or in the staging area: how it is written, read and checked. The
 * signature file is the 64-byte signature followed by the key's id.
 */
final class Bundles {
  private static final int SIGNATURE_BYTES = 64;
  private static final int SIGNATURE_FILE_BYTES_MAX = 256;

  private final Disk disk;

  Bundles(Disk disk) {
    this.disk = disk;
  }

  void writeManifest(Path directory, SignedBytes signed) throws IOException {
    byte[] id = signed.keyId().getBytes(StandardCharsets.US_ASCII);
    byte[] signature = Arrays.copyOf(signed.signature(), SIGNATURE_BYTES + id.length);
    System.arraycopy(id, 0, signature, SIGNATURE_BYTES, id.length);
    disk.write(directory.resolve(Layout.MANIFEST), signed.manifest());
    disk.force(directory.resolve(Layout.MANIFEST));
    disk.write(directory.resolve(Layout.SIGNATURE), signature);
    disk.force(directory.resolve(Layout.SIGNATURE));
  }

  SignedBytes readManifest(Path directory) throws IOException {
    byte[] manifest = disk.read(directory.resolve(Layout.MANIFEST), SignedBytes.MANIFEST_BYTES_MAX);
    byte[] signature = disk.read(directory.resolve(Layout.SIGNATURE), SIGNATURE_FILE_BYTES_MAX);
    if (signature.length < SIGNATURE_BYTES) {
      throw new IOException(directory.resolve(Layout.SIGNATURE) + ": too short");
    }
    return new SignedBytes(
        manifest,
        Arrays.copyOf(signature, SIGNATURE_BYTES),
        new String(
            signature,
            SIGNATURE_BYTES,
            signature.length - SIGNATURE_BYTES,
            StandardCharsets.US_ASCII));
  }

  /** The plan of a bundle that has this digest; its signature was checked when it was accepted. */
  BundlePlan readPlan(Path directory, Digest digest) throws ArtifactRefusedException, IOException {
    BundlePlan plan = ManifestMapper.read(readManifest(directory).manifest());
    if (!plan.digest().equals(digest)) {
      throw ArtifactRefusedException.passing(
          RefusalReason.BAD_DIGEST,
          "%s holds %s (expected: %s)"
              .formatted(directory, plan.digest().shortForm(), digest.shortForm()));
    }
    return plan;
  }

  /** Checks length and digest of every file. */
  void checkFiles(Path directory, BundlePlan plan) throws ArtifactRefusedException, IOException {
    for (FilePlan file : plan.files()) {
      checkFile(directory, file);
    }
  }

  /** Checks length and digest of one file. */
  void checkFile(Path directory, FilePlan file) throws ArtifactRefusedException, IOException {
    Path path = directory.resolve(file.name());
    long size = sizeOrAbsent(path);
    if (size != file.sizeBytes()) {
      throw ArtifactRefusedException.passing(
          RefusalReason.TRUNCATED,
          "%s has %d bytes (expected: %d)".formatted(file.name(), size, file.sizeBytes()));
    }
    String actual;
    try (InputStream in = disk.open(path)) {
      actual = Sha256.hex(in);
    }
    if (!actual.equals(file.sha256Hex())) {
      throw ArtifactRefusedException.passing(
          RefusalReason.BAD_DIGEST,
          "%s has digest %.12s (expected: %.12s)".formatted(file.name(), actual, file.sha256Hex()));
    }
  }

  /** Checks what the files say: the model's structure, the golden set's form. */
  void checkContent(Path directory, BundlePlan plan) throws ArtifactRefusedException, IOException {
    try (InputStream in = disk.open(directory.resolve(BundlePlan.MODEL))) {
      OnnxScreen.check(in);
    }
    try (InputStream in = disk.open(directory.resolve(BundlePlan.GOLDEN))) {
      GoldenSet.read(in, plan.facts(), (input, output) -> {});
    }
  }

  private long sizeOrAbsent(Path path) throws IOException {
    try {
      return disk.size(path);
    } catch (NoSuchFileException e) {
      return -1;
    }
  }
}
