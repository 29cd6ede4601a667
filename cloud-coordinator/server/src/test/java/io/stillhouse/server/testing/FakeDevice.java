package io.stillhouse.server.testing;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContextBuilder;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DesiredState;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.EnrollRequest;
import io.stillhouse.proto.device.v1.EnrollResponse;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.device.v1.HardwareProfile;
import io.stillhouse.proto.device.v1.Heartbeat;
import io.stillhouse.proto.device.v1.Hello;
import io.stillhouse.proto.device.v1.Phase;
import io.stillhouse.proto.device.v1.Report;
import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import javax.net.ssl.X509TrustManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/** A device of a test: real TLS and real streams, an agent's manners, no model. */
public final class FakeDevice implements AutoCloseable {
  private static final int FLOW_WINDOW_BYTES = 65_535;

  private final int port;
  private final KeyPair keys = keys();
  private final List<CoordinatorMessage> received = new CopyOnWriteArrayList<>();
  private final List<Status> endings = new CopyOnWriteArrayList<>();
  private final AtomicLong seq = new AtomicLong();
  private volatile String running = "";
  private volatile long generation;
  private volatile Function<DesiredState, Phase> manners = desired -> Phase.PHASE_COMMITTED;
  private final List<ManagedChannel> channels = new CopyOnWriteArrayList<>();
  private String caHash = "";
  private EnrollResponse identity = EnrollResponse.getDefaultInstance();
  private StreamObserver<DeviceMessage> stream = new Ended();

  public FakeDevice(int port) {
    this.port = port;
  }

  /** Where a wish ends with this device; what it commits to, it then runs. */
  public FakeDevice manners(Function<DesiredState, Phase> how) {
    manners = how;
    return this;
  }

  /** Enrols with a token, believing only the authority that the token names. */
  public FakeDevice enrol(String token, String name) throws Exception {
    caHash = token.substring(token.indexOf('.') + 1);
    return enrol(token, name, caHash);
  }

  /** Enrols while believing another authority than the token's. */
  public FakeDevice enrol(String token, String name, String pin) throws Exception {
    identity =
        DeviceServiceGrpc.newBlockingStub(channel(pin, false))
            .enroll(
                EnrollRequest.newBuilder()
                    .setToken(token)
                    .setCsrDer(ByteString.copyFrom(csr()))
                    .setDeviceName(name)
                    .setProfile(profile())
                    .build());
    return this;
  }

  public EnrollResponse identity() {
    return identity;
  }

  public String id() {
    return identity.getDeviceId();
  }

  /** Calls with this device's certificate. */
  public DeviceServiceGrpc.DeviceServiceBlockingStub calls() throws Exception {
    return DeviceServiceGrpc.newBlockingStub(channel(caHash, true));
  }

  /** What lets a Kafka client in as this device, which believes the brokers of an authority. */
  public Map<String, String> kafkaSecurity(String authorityPem) {
    return DeviceKafka.security(
        keys.getPrivate(), identity.getCertificateDer().toByteArray(), authorityPem);
  }

  /** Calls without any certificate. */
  public DeviceServiceGrpc.DeviceServiceBlockingStub strangerCalls(String pin) throws Exception {
    return DeviceServiceGrpc.newBlockingStub(channel(pin, false));
  }

  /** Calls to another coordinator, with the certificate of this one. */
  public DeviceServiceGrpc.DeviceServiceBlockingStub at(int otherPort, String pin)
      throws Exception {
    return DeviceServiceGrpc.newBlockingStub(channel(otherPort, pin, true));
  }

  /** Begins a download, takes its first chunk, and no more until told to. */
  public LazyDownload fetchLazily(Digest artifact, String path) throws Exception {
    LazyDownload download = new LazyDownload();
    DeviceServiceGrpc.newStub(channel(caHash, true))
        .fetch(
            FetchRequest.newBuilder().setArtifactSha256(artifact.sha256Hex()).setPath(path).build(),
            download);
    return download;
  }

  /** A download whose reader takes its time. */
  public static final class LazyDownload implements ClientResponseObserver<FetchRequest, Chunk> {
    private final AtomicLong chunks = new AtomicLong();
    private final List<Status> endings = new CopyOnWriteArrayList<>();
    private final CompletableFuture<ClientCallStreamObserver<FetchRequest>> call =
        new CompletableFuture<>();

    @Override
    public void beforeStart(ClientCallStreamObserver<FetchRequest> stream) {
      stream.disableAutoRequestWithInitial(1);
      call.complete(stream);
    }

    @Override
    public void onNext(Chunk chunk) {
      chunks.incrementAndGet();
    }

    @Override
    public void onError(Throwable failure) {
      endings.add(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      endings.add(Status.OK);
    }

    public long chunks() {
      return chunks.get();
    }

    public List<Status> endings() {
      return endings;
    }

    /** Takes everything from now on. */
    public void readOn() {
      call.join().request(Integer.MAX_VALUE);
    }
  }

  /** Opens a session and says hello; from then on desired states are acted upon. */
  public FakeDevice connect() throws Exception {
    return connectWith(
        DeviceMessage.newBuilder()
            .setHello(
                Hello.newBuilder()
                    .setProfile(profile())
                    .setAgentVersion("test")
                    .setBootId("boot")
                    .setState(report(0, Phase.PHASE_IDLE, "")))
            .build());
  }

  /** Opens a session and begins it with any message. */
  public FakeDevice connectWith(DeviceMessage first) throws Exception {
    stream =
        DeviceServiceGrpc.newStub(channel(caHash, true))
            .session(
                new StreamObserver<>() {
                  @Override
                  public void onNext(CoordinatorMessage message) {
                    received.add(message);
                    if (message.hasDesired()) {
                      act(message.getDesired());
                    }
                  }

                  @Override
                  public void onError(Throwable failure) {
                    endings.add(Status.fromThrowable(failure));
                  }

                  @Override
                  public void onCompleted() {
                    endings.add(Status.OK);
                  }
                });
    send(first);
    return this;
  }

  public void heartbeat() {
    send(
        DeviceMessage.newBuilder()
            .setHeartbeat(
                Heartbeat.newBuilder()
                    .setBootId("boot")
                    .setSeq(seq.incrementAndGet())
                    .setGeneration(generation)
                    .setRunningSha256(running))
            .build());
  }

  /** Sends a report and returns its sequence number. */
  public long report(DesiredState wish, Phase phase) {
    Report report = report(wish.getGeneration(), phase, wish.getArtifactSha256());
    send(DeviceMessage.newBuilder().setReport(report).build());
    return report.getSeq();
  }

  public synchronized void send(DeviceMessage message) {
    stream.onNext(message);
  }

  public List<CoordinatorMessage> received() {
    return received;
  }

  /** How sessions of this device ended, in order. */
  public List<Status> endings() {
    return endings;
  }

  public String running() {
    return running;
  }

  /** Acts once more on the last wish, with the manners it has now. */
  public void again() {
    received.stream()
        .filter(CoordinatorMessage::hasDesired)
        .reduce((older, newer) -> newer)
        .ifPresent(last -> act(last.getDesired()));
  }

  private void act(DesiredState wish) {
    generation = wish.getGeneration();
    Phase end = manners.apply(wish);
    if (end == Phase.PHASE_COMMITTED) {
      running = wish.getArtifactSha256();
    }
    report(wish, Phase.PHASE_OFFERED);
    report(wish, end);
    heartbeat();
  }

  private Report report(long generation, Phase phase, String artifact) {
    return Report.newBuilder()
        .setBootId("boot")
        .setSeq(seq.incrementAndGet())
        .setGeneration(generation)
        .setPhase(phase)
        .setRunningSha256(running)
        .setCommittedSha256(running)
        .setArtifactSha256(artifact)
        .build();
  }

  public static HardwareProfile profile() {
    return HardwareProfile.newBuilder()
        .setBoard("sim-small")
        .setArchitecture("x86_64")
        .addIsaFeatures("avx2")
        .setCores(4)
        .setInferenceThreads(1)
        .setMemoryBytes(1L << 30)
        .setModelMemoryBytesMax(1 << 26)
        .setModelFileBytesMax(1 << 20)
        .setLatencyP99MicrosMax(20_000)
        .setLimitsSimulated(true)
        .setRuntimeVersion("1.28.0")
        .build();
  }

  private ManagedChannel channel(String pin, boolean withCertificate) throws Exception {
    return channel(port, pin, withCertificate);
  }

  private ManagedChannel channel(int toPort, String pin, boolean withCertificate) throws Exception {
    SslContextBuilder tls = SslContextBuilder.forClient().trustManager(new Pin(pin));
    if (withCertificate) {
      tls.keyManager(keys.getPrivate(), certificate(identity.getCertificateDer().toByteArray()));
    }
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", toPort)
            .sslContext(GrpcSslContexts.configure(tls).build())
            // Small, so that what is not read soon stops the sender.
            .flowControlWindow(FLOW_WINDOW_BYTES)
            .build();
    channels.add(channel);
    return channel;
  }

  /** Breaks the connection, as a lost network does. */
  public void disconnect() {
    channels.forEach(ManagedChannel::shutdownNow);
    channels.clear();
  }

  @Override
  public void close() {
    disconnect();
  }

  private byte[] csr() throws Exception {
    return new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=x"), keys.getPublic())
        .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
        .getEncoded();
  }

  private static KeyPair keys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every JDK has P-256", e);
    }
  }

  private static X509Certificate certificate(byte[] der) throws CertificateException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
  }

  /** Believes a chain that ends in the certificate with this hash, and signed by it. */
  private record Pin(String sha256Hex) implements X509TrustManager {
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      X509Certificate root = chain[chain.length - 1];
      try {
        if (!Digest.of(root.getEncoded()).sha256Hex().equals(sha256Hex)) {
          throw new CertificateException("not the pinned authority");
        }
        chain[0].verify(root.getPublicKey());
      } catch (CertificateException e) {
        throw e;
      } catch (GeneralSecurityException e) {
        throw new CertificateException(e);
      }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw new CertificateException("a client");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  /** The stream before the first connect. */
  private static final class Ended implements StreamObserver<DeviceMessage> {
    @Override
    public void onNext(DeviceMessage message) {
      throw new IllegalStateException("not connected");
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }
}
