package io.stillhouse.agent.serving;

import io.stillhouse.agent.inference.ModelHost;
import java.io.IOException;

/** The Open Inference Protocol v2 over HTTP, in front of the live model. */
public final class InferenceServer implements AutoCloseable {
  private InferenceServer() {}

  /**
   * Binds and serves at once; there need be no model yet.
   *
   * @throws IOException when the address cannot be bound
   */
  public static InferenceServer start(RestSettings settings, ModelHost host, String agentVersion)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /** The bound port. */
  public int port() {
    throw new UnsupportedOperationException();
  }

  /** Stops accepting and waits a moment for requests under way. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
