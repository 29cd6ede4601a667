package io.stillhouse.agent.artifact;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.Release;
import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.PackedForm;
import io.stillhouse.proto.model.v1.Preprocessing;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Manifest bytes to {@link BundlePlan}: the only place of this package that knows the wire types.
 * Every field is bounded here, so that nothing behind it meets a hostile number.
 */
public final class ManifestMapper {
  private static final int LABELS_MAX = 10_000;
  private static final int TEXT_CHARS_MAX = 256;
  private static final int SIDE_MAX = 4_096;
  private static final int CHANNELS_MAX = 16;
  private static final int INPUT_FLOATS_MAX = 1 << 22;
  private static final int SHA_BYTES = 32;
  private static final String PACKED_CODING = "stf1";
  private static final Set<String> FILE_NAMES = Set.of(BundlePlan.MODEL, BundlePlan.GOLDEN);

  private ManifestMapper() {}

  /**
   * Reads a manifest.
   *
   * @throws ArtifactRefusedException {@code MALFORMED}, with the field and what was expected
   */
  public static BundlePlan read(byte[] bytes) throws ArtifactRefusedException {
    if (bytes.length > SignedBytes.MANIFEST_BYTES_MAX) {
      throw malformed(
          "the manifest has %d bytes (expected: at most %d)"
              .formatted(bytes.length, SignedBytes.MANIFEST_BYTES_MAX));
    }
    Manifest manifest;
    try {
      manifest = Manifest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw malformed("the manifest is not a protobuf message: " + e.getMessage());
    }
    return new BundlePlan(
        Sha256.digest(bytes), release(manifest), files(manifest), facts(manifest), terms(manifest));
  }

  private static Release release(Manifest manifest) throws ArtifactRefusedException {
    String model = text("model", manifest.getModel());
    check(!model.isEmpty(), "the manifest names no model");
    long counter = manifest.getReleaseCounter();
    long least = manifest.getMinReleaseCounter();
    check(
        counter >= 0 && least >= 0 && least <= counter,
        "release counter %d, minimum %d (expected: 0 <= minimum <= counter)"
            .formatted(counter, least));
    return new Release(model, manifest.getVersion(), counter, least);
  }

  private static List<FilePlan> files(Manifest manifest) throws ArtifactRefusedException {
    check(
        manifest.getFilesCount() == FILE_NAMES.size(),
        "%d files (expected: %s)".formatted(manifest.getFilesCount(), new TreeSet<>(FILE_NAMES)));
    Set<String> seen = new TreeSet<>();
    List<FilePlan> files = new ArrayList<>();
    for (BundleFile file : manifest.getFilesList()) {
      String name = text("path", file.getPath());
      check(
          FILE_NAMES.contains(name) && seen.add(name),
          "file \"%s\" (expected: each of %s once)".formatted(name, new TreeSet<>(FILE_NAMES)));
      files.add(
          new FilePlan(
              name,
              size(name, file.getSizeBytes()),
              sha(name, file.getSha256()),
              chunks(name, file.getSizeBytes(), file.getChunkSha256List()),
              packed(file)));
    }
    return files;
  }

  /** Empty also for a coding that this agent does not know: it fetches the file itself. */
  private static Optional<FilePlan> packed(BundleFile file) throws ArtifactRefusedException {
    PackedForm packed = file.getPacked();
    if (!file.hasPacked() || !packed.getCoding().equals(PACKED_CODING)) {
      return Optional.empty();
    }
    String name = file.getPath() + FilePlan.PACKED_SUFFIX;
    long size = size(name, packed.getSizeBytes());
    check(
        size < file.getSizeBytes() && file.getSizeBytes() <= Integer.MAX_VALUE,
        "%s: %d bytes for a file of %d (expected: fewer, for a file below 2 GiB)"
            .formatted(name, size, file.getSizeBytes()));
    return Optional.of(
        new FilePlan(
            name,
            size,
            sha(name, packed.getSha256()),
            chunks(name, size, packed.getChunkSha256List())));
  }

  private static long size(String name, long size) throws ArtifactRefusedException {
    check(size > 0, "%s: %d bytes (expected: > 0)".formatted(name, size));
    return size;
  }

  private static List<String> chunks(String name, long size, List<ByteString> digests)
      throws ArtifactRefusedException {
    long chunks = FilePlan.chunkCount(size);
    check(
        digests.size() == chunks,
        "%s: %d chunk digests for %d bytes (expected: %d)"
            .formatted(name, digests.size(), size, chunks));
    List<String> hex = new ArrayList<>();
    for (ByteString chunk : digests) {
      hex.add(sha(name, chunk));
    }
    return hex;
  }

  private static BundlePlan.ModelFacts facts(Manifest manifest) throws ArtifactRefusedException {
    int labels = manifest.getLabelsCount();
    check(
        labels >= 2 && labels <= LABELS_MAX,
        "%d labels (expected: 2 to %d)".formatted(labels, LABELS_MAX));
    for (String label : manifest.getLabelsList()) {
      text("label", label);
    }
    Preprocessing pre = manifest.getPreprocessing();
    int c = pre.getChannels();
    int h = pre.getHeight();
    int w = pre.getWidth();
    check(
        c >= 1
            && c <= CHANNELS_MAX
            && h >= 1
            && h <= SIDE_MAX
            && w >= 1
            && w <= SIDE_MAX
            && (long) c * h * w <= INPUT_FLOATS_MAX,
        "input %dx%dx%d (expected: at most %d values)".formatted(c, h, w, INPUT_FLOATS_MAX));
    check(
        pre.getMeanCount() == c && pre.getStdCount() == c,
        "%d means and %d deviations for %d channels"
            .formatted(pre.getMeanCount(), pre.getStdCount(), c));
    for (int i = 0; i < c; i++) {
      check(
          Float.isFinite(pre.getMean(i)) && Float.isFinite(pre.getStd(i)) && pre.getStd(i) > 0,
          "channel %d: mean %s, deviation %s (expected: finite, deviation > 0)"
              .formatted(i, pre.getMean(i), pre.getStd(i)));
    }
    return new BundlePlan.ModelFacts(
        manifest.getLabelsList(),
        new BundlePlan.InputShape(c, h, w),
        new BundlePlan.Normalisation(pre.getMeanList(), pre.getStdList()),
        precision(manifest),
        text("network", manifest.getNetwork()));
  }

  private static String precision(Manifest manifest) throws ArtifactRefusedException {
    return switch (manifest.getPrecision()) {
      case PRECISION_FP32 -> "fp32";
      case PRECISION_INT8 -> "int8";
      case PRECISION_FP16 -> "fp16";
      case PRECISION_UNSPECIFIED, UNRECOGNIZED ->
          throw malformed("the manifest names no precision that this agent knows");
    };
  }

  private static BundlePlan.Terms terms(Manifest manifest) throws ArtifactRefusedException {
    var budget = manifest.getBudget();
    check(
        budget.getLatencyP99MicrosMax() >= 0
            && budget.getMemoryBytesMax() >= 0
            && budget.getFileBytesMax() >= 0,
        "a budget is negative");
    check(manifest.getCreatedEpochMillis() >= 0, "the creation time is negative");
    return new BundlePlan.Terms(
        text("hardware_class", manifest.getHardwareClass()),
        text("min_runtime", manifest.getMinRuntime()),
        new BundlePlan.Budget(
            budget.getLatencyP99MicrosMax(), budget.getMemoryBytesMax(), budget.getFileBytesMax()),
        manifest.getCreatedEpochMillis());
  }

  private static String sha(String name, ByteString bytes) throws ArtifactRefusedException {
    check(
        bytes.size() == SHA_BYTES,
        "%s: a digest of %d bytes (expected: %d)".formatted(name, bytes.size(), SHA_BYTES));
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  private static String text(String field, String value) throws ArtifactRefusedException {
    check(
        value.length() <= TEXT_CHARS_MAX,
        "%s: %d characters (expected: at most %d)"
            .formatted(field, value.length(), TEXT_CHARS_MAX));
    return value;
  }

  private static void check(boolean holds, String otherwise) throws ArtifactRefusedException {
    if (!holds) {
      throw malformed(otherwise);
    }
  }

  private static ArtifactRefusedException malformed(String detail) {
    return ArtifactRefusedException.permanent(RefusalReason.MALFORMED, detail);
  }

  /** The digest under which a manifest's bytes travel. */
  static Digest digestOf(byte[] manifest) {
    return Sha256.digest(manifest);
  }
}
