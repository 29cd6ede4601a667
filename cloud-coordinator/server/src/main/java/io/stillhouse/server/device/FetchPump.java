package io.stillhouse.server.device;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.stub.ServerCallStreamObserver;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.server.artifact.ArtifactStore;
import java.nio.ByteBuffer;

/**
 * Sends a file chunk by chunk, as fast as the device takes it and no faster: nothing is copied and
 * at most one chunk is in hand. gRPC calls it serially.
 */
final class FetchPump {
  private final ByteBuffer file;
  private final ServerCallStreamObserver<Chunk> out;
  private int index;
  private boolean done;

  FetchPump(ByteBuffer file, int firstChunk, ServerCallStreamObserver<Chunk> out) {
    this.file = file;
    this.index = firstChunk;
    this.out = out;
  }

  static int chunks(ByteBuffer file) {
    return Math.toIntExact(
        ((long) file.limit() + ArtifactStore.CHUNK_BYTES - 1) / ArtifactStore.CHUNK_BYTES);
  }

  void pump() {
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
    }
  }
}
