package io.stillhouse.server.device;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.server.artifact.ArtifactStore;
import java.nio.ByteBuffer;

/**
 * Sends a file chunk by chunk, as fast as the device takes it and no faster: nothing is copied and
 * at most one chunk is in hand. Thread-safe: gRPC's stream is not, so all sending is under this
 * object's lock.
 */
final class FetchPump {
  private final ByteBuffer file;
  private final ServerCallStreamObserver<Chunk> out;
  private final Runnable progressed;
  private int index;
  private boolean done;

  /**
   * A pump that has not begun.
   *
   * @param progressed told of each chunk that was taken
   */
  FetchPump(
      ByteBuffer file, int firstChunk, ServerCallStreamObserver<Chunk> out, Runnable progressed) {
    this.file = file;
    this.index = firstChunk;
    this.out = out;
    this.progressed = progressed;
  }

  static int chunks(ByteBuffer file) {
    return Math.toIntExact(
        ((long) file.limit() + ArtifactStore.CHUNK_BYTES - 1) / ArtifactStore.CHUNK_BYTES);
  }

  synchronized void pump() {
    int chunks = chunks(file);
    while (!done && out.isReady()) {
      if (index >= chunks) {
        done = true;
        out.onCompleted();
        return;
      }
      int from = index * ArtifactStore.CHUNK_BYTES;
      int length = Math.min(ArtifactStore.CHUNK_BYTES, file.limit() - from);
      out.onNext(
          Chunk.newBuilder()
              .setIndex(index)
              // The mapping is read-only and of a file that never changes.
              .setData(UnsafeByteOperations.unsafeWrap(file.slice(from, length)))
              .build());
      index++;
      progressed.run();
    }
  }

  /** Sends nothing more. */
  synchronized void end(Status status) {
    if (!done) {
      done = true;
      out.onError(status.asRuntimeException());
    }
  }
}
