package io.stillhouse.agent.artifact;

import java.util.List;
import java.util.Optional;

/**
 * One file of a bundle as its manifest describes it.
 *
 * @param name one of {@link BundlePlan#MODEL} and {@link BundlePlan#GOLDEN}; a packed form's ends
 *     in {@value #PACKED_SUFFIX}
 * @param chunks SHA-256 of each chunk in order, hexadecimal
 * @param packed the smaller form in which the file may travel
 */
public record FilePlan(
    String name, long sizeBytes, String sha256Hex, List<String> chunks, Optional<FilePlan> packed) {
  /** Length of every chunk but the last. */
  public static final int CHUNK_BYTES = 256 << 10;

  /** What the name of a packed form ends in. */
  public static final String PACKED_SUFFIX = ".stf";

  public FilePlan {
    chunks = List.copyOf(chunks);
  }

  /** A file that travels as it is. */
  public FilePlan(String name, long sizeBytes, String sha256Hex, List<String> chunks) {
    this(name, sizeBytes, sha256Hex, chunks, Optional.empty());
  }

  /** What is fetched. */
  public FilePlan travelling() {
    return packed.orElse(this);
  }

  /** Length of one chunk. */
  public int chunkBytes(int index) {
    return (int) Math.min(CHUNK_BYTES, sizeBytes - (long) index * CHUNK_BYTES);
  }

  static long chunkCount(long sizeBytes) {
    return (sizeBytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
  }
}
