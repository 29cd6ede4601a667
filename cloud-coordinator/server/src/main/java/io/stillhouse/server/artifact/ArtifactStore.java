package io.stillhouse.server.artifact;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Signed artifacts in a directory, named by content: files under the SHA-256 of their bytes (equal
 * files of two variants are kept once), signed manifests under the digest of their canonical bytes.
 * The manifest is written last, so an artifact that can be found is an artifact that is whole.
 *
 * <p>Every read is verified: a manifest each time, a file's chunks when it is first opened in this
 * process. A file that rotted on disk is an error that names it, never bytes for a device.
 *
 * <p>Thread-safe.
 */
public final class ArtifactStore {
  /** Length of every chunk but the last. */
  public static final int CHUNK_BYTES = 256 << 10;

  /** Far above any student; far below what one mapping can hold. */
  public static final long FILE_BYTES_MAX = 512L << 20;

  /** A manifest lists a 32-byte digest per chunk; this allows for two files at their limit. */
  public static final int MANIFEST_BYTES_MAX = 1 << 20;

  private static final int SIGNED_BYTES_MAX = MANIFEST_BYTES_MAX + 4_096;
  private static final int OPEN_FILES_MAX = 256;
  private static final String FILES = "files";
  private static final String MANIFESTS = "manifests";

  private final Blobs blobs;

  /** Verified mappings, least recently used first; evicted ones unmap when nothing reads them. */
  private final Map<Digest, ByteBuffer> open =
      new LinkedHashMap<>(16, 0.75f, true) {
        @java.io.Serial private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, ByteBuffer> eldest) {
          return size() > OPEN_FILES_MAX;
        }
      };

  public ArtifactStore(Path directory) {
    this.blobs = new Blobs(directory.toAbsolutePath());
  }

  /** Describes a file as a manifest does: size, digest, digest of each chunk. */
  static BundleFile describe(String path, Path file) throws IOException {
    long size = Files.size(file);
    if (size > FILE_BYTES_MAX || size == 0) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot package " + file,
          "it has %d bytes (expected: 1 to %d)".formatted(size, FILE_BYTES_MAX),
          "choose a smaller network or precision");
    }
    BundleFile.Builder described = BundleFile.newBuilder().setPath(path).setSizeBytes(size);
    try (var in = Files.newInputStream(file)) {
      for (byte[] chunk = in.readNBytes(CHUNK_BYTES);
          chunk.length > 0;
          chunk = in.readNBytes(CHUNK_BYTES)) {
        described.addChunkSha256(
            com.google.protobuf.ByteString.copyFrom(sha256(ByteBuffer.wrap(chunk))));
      }
    }
    return described
        .setSha256(com.google.protobuf.ByteString.copyFrom(bytes(Digest.ofFile(file))))
        .build();
  }

  /**
   * Stores a signed manifest and the files it lists.
   *
   * @param sources where the bytes of each listed path are now
   * @return the artifact's digest
   */
  public Digest put(SignedManifest signed, Map<String, Path> sources) {
    Digest digest = Digest.of(signed.getManifest().toByteArray());
    Manifest manifest = parse(signed, digest);
    if (signed.getManifest().size() > MANIFEST_BYTES_MAX) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot store artifact " + digest.shortForm(),
          "its manifest is larger than " + MANIFEST_BYTES_MAX + " bytes",
          "shorten the labels or the recipe");
    }
    for (BundleFile file : PackedFile.all(manifest)) {
      Path source = sources.get(file.getPath());
      if (source == null) {
        throw new IllegalArgumentException("no source for " + file.getPath());
      }
      Digest content = digestOf(file);
      try (var in = Files.newInputStream(source)) {
        blobs.put(blobs.path(FILES, content), in, file.getSizeBytes());
      } catch (IOException e) {
        throw unreadable(source.toString(), String.valueOf(e.getMessage()), e);
      }
      // Read back: the source may have changed since it was described, or the disk may lie.
      open(file);
    }
    blobs.put(
        blobs.path(MANIFESTS, digest),
        new ByteArrayInputStream(signed.toByteArray()),
        SIGNED_BYTES_MAX);
    return digest;
  }

  /** The signed manifest of an artifact; empty when there is none of this digest. */
  public Optional<SignedManifest> signedManifest(Digest artifact) {
    Path file = blobs.path(MANIFESTS, artifact);
    try {
      SignedManifest signed = SignedManifest.parseFrom(Files.readAllBytes(file));
      if (!Digest.of(signed.getManifest().toByteArray()).equals(artifact)) {
        throw unreadable(file.toString(), "its bytes do not have its digest", null);
      }
      return Optional.of(signed);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (InvalidProtocolBufferException e) {
      throw unreadable(file.toString(), "it is not a signed manifest", e);
    } catch (IOException e) {
      throw unreadable(file.toString(), String.valueOf(e.getMessage()), e);
    }
  }

  /** What an artifact is held to; empty when there is none of this digest. */
  public Optional<ArtifactPromise> promise(Digest artifact) {
    return manifest(artifact).map(ArtifactPromise::of);
  }

  /** The manifest of an artifact; empty when there is none of this digest. */
  public Optional<Manifest> manifest(Digest artifact) {
    return signedManifest(artifact).map(signed -> parse(signed, artifact));
  }

  /** The limits that an artifact was made for; threads are not among them and read as one. */
  public Optional<DeviceLimits> limits(Digest artifact) {
    return manifest(artifact)
        .map(Manifest::getBudget)
        .map(
            budget ->
                new DeviceLimits(
                    1,
                    budget.getMemoryBytesMax(),
                    budget.getFileBytesMax(),
                    Duration.ofNanos(budget.getLatencyP99MicrosMax() * 1_000),
                    false));
  }

  /**
   * One file of an artifact, verified, as a read-only mapping.
   *
   * @return empty when the artifact is unknown or lists no such path
   */
  public Optional<ByteBuffer> file(Digest artifact, String path) {
    return manifest(artifact)
        .flatMap(
            manifest ->
                PackedFile.all(manifest).stream().filter(f -> f.getPath().equals(path)).findFirst())
        .map(this::open);
  }

  private ByteBuffer open(BundleFile file) {
    Digest content = digestOf(file);
    synchronized (open) {
      ByteBuffer known = open.get(content);
      if (known != null) {
        return known.duplicate();
      }
    }
    Path location = blobs.path(FILES, content);
    try (FileChannel channel = FileChannel.open(location, StandardOpenOption.READ)) {
      if (channel.size() != file.getSizeBytes()) {
        throw unreadable(
            location.toString(),
            "%d bytes (expected: %d)".formatted(channel.size(), file.getSizeBytes()),
            null);
      }
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      verify(location, mapped, file);
      synchronized (open) {
        open.put(content, mapped);
      }
      return mapped.duplicate();
    } catch (IOException e) {
      throw unreadable(location.toString(), String.valueOf(e.getMessage()), e);
    }
  }

  private static void verify(Path location, ByteBuffer mapped, BundleFile file) {
    List<byte[]> expected = new ArrayList<>();
    file.getChunkSha256List().forEach(chunk -> expected.add(chunk.toByteArray()));
    int chunks = Math.toIntExact((file.getSizeBytes() + CHUNK_BYTES - 1) / CHUNK_BYTES);
    if (expected.size() != chunks) {
      throw unreadable(
          location.toString(),
          "its manifest lists %d chunks (expected: %d)".formatted(expected.size(), chunks),
          null);
    }
    for (int i = 0; i < chunks; i++) {
      int from = i * CHUNK_BYTES;
      int length = Math.min(CHUNK_BYTES, mapped.limit() - from);
      if (!Arrays.equals(sha256(mapped.slice(from, length)), expected.get(i))) {
        throw unreadable(
            location.toString(),
            "chunk " + i + " does not have its digest: the bytes rotted",
            null);
      }
    }
  }

  private static Manifest parse(SignedManifest signed, Digest digest) {
    try {
      return Manifest.parseFrom(signed.getManifest());
    } catch (InvalidProtocolBufferException e) {
      throw unreadable("artifact " + digest.shortForm(), "its manifest is malformed", e);
    }
  }

  private static Digest digestOf(BundleFile file) {
    return new Digest(HexFormat.of().formatHex(file.getSha256().toByteArray()));
  }

  private static byte[] bytes(Digest digest) {
    return HexFormat.of().parseHex(digest.sha256Hex());
  }

  private static byte[] sha256(ByteBuffer bytes) {
    try {
      java.security.MessageDigest sha = java.security.MessageDigest.getInstance("SHA-256");
      sha.update(bytes);
      return sha.digest();
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private static CoordinatorException unreadable(
      String file, String why, @org.jspecify.annotations.Nullable Exception cause) {
    CoordinatorException failure =
        new CoordinatorException(
            ErrorCategory.UNAVAILABLE,
            "cannot read " + file,
            why,
            "restore the artifact directory from a backup, or tailor the model version again");
    if (cause != null) {
      failure.initCause(cause);
    }
    return failure;
  }
}
