package io.stillhouse.agent.serving;

import com.sun.net.httpserver.HttpServer;
import io.stillhouse.agent.inference.ModelHost;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The Open Inference Protocol v2 over HTTP, in front of the live model. */
public final class InferenceServer implements AutoCloseable {
  /** A few more than the host's workers, so that health is answered while inferences wait. */
  private static final int THREADS = 6;

  /** Requests in line for a thread; beyond them a connection is closed. */
  private static final int REQUESTS_WAITING_MAX = 64;

  private static final int STOP_SECONDS_MAX = 1;

  private final HttpServer http;
  private final ThreadPoolExecutor threads;

  private InferenceServer(HttpServer http, ThreadPoolExecutor threads) {
    this.http = http;
    this.threads = threads;
  }

  /**
   * Binds and serves at once; there need be no model yet.
   *
   * @throws IOException when the address cannot be bound
   */
  public static InferenceServer start(RestSettings settings, ModelHost host, String agentVersion)
      throws IOException {
    // The JDK's server reads these once. Without the first a small answer waits for the client's
    // delayed acknowledgement; without the others a client that stalls keeps its thread for ever.
    setUnlessSet("sun.net.httpserver.nodelay", "true");
    setUnlessSet("sun.net.httpserver.maxReqTime", "30");
    setUnlessSet("sun.net.httpserver.maxRspTime", "30");
    HttpServer http = bind(settings);
    AtomicInteger made = new AtomicInteger();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(REQUESTS_WAITING_MAX),
            command -> {
              Thread thread = new Thread(command, "serving-" + made.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
    http.setExecutor(threads);
    var unused = http.createContext("/", new OipHandler(host, agentVersion));
    http.start();
    return new InferenceServer(http, threads);
  }

  private static HttpServer bind(RestSettings settings) throws IOException {
    try {
      return HttpServer.create(new InetSocketAddress(settings.host(), settings.port()), 0);
    } catch (IOException e) {
      throw new IOException(
          "cannot serve inference on %s:%d: %s"
              .formatted(settings.host(), settings.port(), e.getMessage()),
          e);
    }
  }

  private static void setUnlessSet(String name, String value) {
    if (System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }

  /** The bound port. */
  public int port() {
    return http.getAddress().getPort();
  }

  /** Stops accepting and waits a moment for requests under way. */
  @Override
  public void close() {
    // The JDK's server sits the whole time out even when nothing is under way.
    http.stop(threads.getActiveCount() == 0 ? 0 : STOP_SECONDS_MAX);
    threads.shutdown();
  }
}
