package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;

/** Where manifests and chunks come from. A hostile source can only waste time. */
public interface ArtifactSource {
  /** Whether it makes sense to ask now. */
  boolean connected();

  /**
   * The signed manifest of an artifact.
   *
   * @throws ArtifactRefusedException {@code NETWORK} when it cannot be had now
   */
  SignedBytes manifest(Digest digest) throws ArtifactRefusedException, InterruptedException;

  /**
   * Asks for chunks of one file, in order from {@code firstChunk} to the end of the file.
   *
   * @throws ArtifactRefusedException {@code NETWORK} when the stream breaks, or what the taker
   *     threw
   */
  void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
      throws ArtifactRefusedException, InterruptedException;

  /** Receives what comes over the wire, whatever it is. */
  interface ChunkTaker {
    /**
     * Takes one chunk.
     *
     * @return whether more are wanted; the source stops otherwise
     */
    boolean take(int index, byte[] bytes) throws ArtifactRefusedException, InterruptedException;
  }
}
