package io.stillhouse.server.device;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.EnrollRequest;
import io.stillhouse.proto.device.v1.EnrollResponse;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.device.v1.ManifestRequest;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.nio.ByteBuffer;
import java.util.function.Supplier;

/** The calls of the device service. Runs on the server's call executor, where blocking is fine. */
final class DeviceEndpoint extends DeviceServiceGrpc.DeviceServiceImplBase {
  private final Enrolment enrolment;
  private final SessionDesk desk;
  private final ArtifactStore artifacts;
  private final Downloads downloads;

  DeviceEndpoint(
      Enrolment enrolment, SessionDesk desk, ArtifactStore artifacts, Downloads downloads) {
    this.enrolment = enrolment;
    this.desk = desk;
    this.artifacts = artifacts;
    this.downloads = downloads;
  }

  @Override
  public void enroll(EnrollRequest request, StreamObserver<EnrollResponse> out) {
    answer(out, () -> enrolment.enrol(request));
  }

  @Override
  public StreamObserver<DeviceMessage> session(StreamObserver<CoordinatorMessage> out) {
    ServerCallStreamObserver<CoordinatorMessage> stream =
        (ServerCallStreamObserver<CoordinatorMessage>) out;
    // Reads are asked for one by one, when there is room for the answer.
    stream.disableAutoRequest();
    SessionInbox inbox = new SessionInbox(PeerIdentity.PEER.get(), desk, stream);
    stream.setOnReadyHandler(inbox::ready);
    stream.setOnCancelHandler(inbox::gone);
    stream.request(1);
    return inbox;
  }

  @Override
  public void getManifest(ManifestRequest request, StreamObserver<SignedManifest> out) {
    answer(
        out,
        () -> {
          Digest artifact = allowed(request.getArtifactSha256());
          return artifacts.signedManifest(artifact).orElseThrow(() -> unknown(artifact));
        });
  }

  @Override
  public void fetch(FetchRequest request, StreamObserver<Chunk> out) {
    ServerCallStreamObserver<Chunk> stream = (ServerCallStreamObserver<Chunk>) out;
    Downloads.Download download;
    try {
      download = downloads.begin(PeerIdentity.PEER.get().device());
    } catch (RuntimeException e) {
      out.onError(Failures.status(e));
      return;
    }
    stream.setOnCancelHandler(download::close);
    stream.setOnCloseHandler(download::close);
    try {
      Digest artifact = allowed(request.getArtifactSha256());
      ByteBuffer file =
          artifacts.file(artifact, request.getPath()).orElseThrow(() -> unknown(artifact));
      int chunks = FetchPump.chunks(file);
      if (request.getFirstChunk() < 0 || request.getFirstChunk() > chunks) {
        throw new IllegalArgumentException(
            "first_chunk: %d (expected: 0 to %d)".formatted(request.getFirstChunk(), chunks));
      }
      FetchPump pump = new FetchPump(file, request.getFirstChunk(), stream, download::progressed);
      download.endedBy(pump::end);
      stream.setOnReadyHandler(pump::pump);
    } catch (RuntimeException e) {
      download.close();
      out.onError(Failures.status(e));
    }
  }

  /** The artifact, if the caller may have it. Unknown and forbidden look the same. */
  private Digest allowed(String sha256Hex) {
    Digest artifact = new Digest(sha256Hex);
    DeviceId device = desk.admit(PeerIdentity.PEER.get()).device().id();
    if (!desk.states().mayFetch(device, artifact)) {
      throw new CoordinatorException(
          ErrorCategory.FORBIDDEN,
          "cannot send artifact " + artifact.shortForm(),
          "neither the desired state of device " + device + " nor its fallback names it",
          "fetch what the last desired state names");
    }
    return artifact;
  }

  private static CoordinatorException unknown(Digest artifact) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND,
        "cannot send artifact " + artifact.shortForm(),
        "it is not in the store, or has no such file",
        "tailor the model version again");
  }

  private static <T> void answer(StreamObserver<T> out, Supplier<T> work) {
    T result;
    try {
      result = work.get();
    } catch (RuntimeException e) {
      out.onError(Failures.status(e));
      return;
    }
    out.onNext(result);
    out.onCompleted();
  }
}
