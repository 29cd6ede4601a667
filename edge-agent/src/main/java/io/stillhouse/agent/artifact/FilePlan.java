package io.stillhouse.agent.artifact;

import java.util.List;

/**
 * One file of a bundle as its manifest describes it.
 *
 * @param name one of {@link BundlePlan#MODEL} and {@link BundlePlan#GOLDEN}
 * @param chunks SHA-256 of each chunk in order, hexadecimal
 */
public record FilePlan(String name, long sizeBytes, String sha256Hex, List<String> chunks) {
  /** Length of every chunk but the last. */
  public static final int CHUNK_BYTES = 256 << 10;

  public FilePlan {
    chunks = List.copyOf(chunks);
  }

  /** Length of one chunk. */
  public int chunkBytes(int index) {
    return (int) Math.min(CHUNK_BYTES, sizeBytes - (long) index * CHUNK_BYTES);
  }

  static long chunkCount(long sizeBytes) {
    return (sizeBytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
  }
}
