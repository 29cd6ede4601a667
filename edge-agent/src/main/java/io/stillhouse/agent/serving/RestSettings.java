package io.stillhouse.agent.serving;

/**
 * Where the inference API listens.
 *
 * @param host loopback unless the operator opens it
 * @param port zero picks a free one
 */
public record RestSettings(String host, int port) {
  public static final RestSettings LOOPBACK = new RestSettings("127.0.0.1", 0);

  public RestSettings {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port: " + port + " (expected: 0..65535)");
    }
  }
}
