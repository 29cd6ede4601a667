package io.stillhouse.agent.serving;

import com.sun.net.httpserver.HttpServer;
import io.stillhouse.agent.inference.ModelHost;
import java.io.IOException;
import java.net.InetSocketAddress;

/** The Open Inference Protocol v2 over HTTP, in front of the live model. */
public final class InferenceServer implements AutoCloseable {
  private final HttpServer http;

  private InferenceServer(HttpServer http) {
    this.http = http;
  }

  /**
   * Binds and serves at once; there need be no model yet.
   *
   * @throws IOException when the address cannot be bound
   */
  public static InferenceServer start(RestSettings settings, ModelHost host, String agentVersion)
      throws IOException {
    HttpServer http = HttpServer.create(new InetSocketAddress(settings.host(), settings.port()), 0);
    http.start();
    return new InferenceServer(http);
  }

  /** The bound port. */
  public int port() {
    return http.getAddress().getPort();
  }

  /** Stops accepting and waits a moment for requests under way. */
  @Override
  public void close() {
    http.stop(1);
  }
}
