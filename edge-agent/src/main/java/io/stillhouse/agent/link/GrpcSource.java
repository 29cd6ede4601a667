package io.stillhouse.agent.link;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.ArtifactSource;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.artifact.SignedBytes;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.device.v1.ManifestRequest;
import io.stillhouse.proto.model.v1.SignedManifest;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Manifests and chunks over the link's channel. Calls block the updater's thread; each has a
 * deadline, and what arrives beyond what is taken is not read, so a coordinator that sends without
 * end fills no memory.
 */
final class GrpcSource implements ArtifactSource {
  private static final Duration MANIFEST_MAX = Duration.ofSeconds(30);

  /** For one file; a slow link resumes at the next chunk in a further call. */
  private static final Duration FILE_MAX = Duration.ofMinutes(10);

  private final Supplier<ManagedChannel> channel;
  private final BooleanSupplier connected;

  GrpcSource(Supplier<ManagedChannel> channel, BooleanSupplier connected) {
    this.channel = channel;
    this.connected = connected;
  }

  @Override
  public boolean connected() {
    return connected.getAsBoolean();
  }

  @Override
  public SignedBytes manifest(Digest digest) throws ArtifactRefusedException {
    try {
      SignedManifest signed =
          DeviceServiceGrpc.newBlockingStub(channel.get())
              .withDeadlineAfter(MANIFEST_MAX.toSeconds(), TimeUnit.SECONDS)
              .getManifest(
                  ManifestRequest.newBuilder().setArtifactSha256(digest.sha256Hex()).build());
      return new SignedBytes(
          signed.getManifest().toByteArray(),
          signed.getSignature().toByteArray(),
          signed.getKeyId());
    } catch (StatusRuntimeException e) {
      throw refused("the manifest of " + digest.shortForm(), e);
    }
  }

  @Override
  public void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
      throws ArtifactRefusedException, InterruptedException {
    // Cancelled when this returns, however it does: the server then stops sending.
    Context.CancellableContext call = Context.current().withCancellation();
    Context previous = call.attach();
    try {
      Iterator<Chunk> chunks =
          DeviceServiceGrpc.newBlockingStub(channel.get())
              .withDeadlineAfter(FILE_MAX.toSeconds(), TimeUnit.SECONDS)
              .fetch(
                  FetchRequest.newBuilder()
                      .setArtifactSha256(digest.sha256Hex())
                      .setPath(file.name())
                      .setFirstChunk(firstChunk)
                      .build());
      boolean wanted = true;
      while (wanted && chunks.hasNext()) {
        Chunk chunk = chunks.next();
        wanted = taker.take(chunk.getIndex(), chunk.getData().toByteArray());
      }
    } catch (StatusRuntimeException e) {
      throw refused(file.name() + " of " + digest.shortForm(), e);
    } finally {
      call.detach(previous);
      call.cancel(null);
    }
  }

  private static ArtifactRefusedException refused(String what, StatusRuntimeException e) {
    boolean forbidden = e.getStatus().getCode() == Status.Code.PERMISSION_DENIED;
    String detail = "%s cannot be fetched: %s".formatted(what, LinkMapper.reason(e));
    // What the coordinator withholds may be offered again by its next word; the rest is weather.
    return new ArtifactRefusedException(
        forbidden
            ? Refusal.passing(RefusalReason.MALFORMED, detail)
            : Refusal.passing(RefusalReason.NETWORK, detail));
  }
}
