package io.stillhouse.server.config;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** What is known of an address before anything listens there. */
public final class ListenPort {
  private ListenPort() {}

  /** Whether only this machine reaches the address. */
  public static boolean loopback(String host) {
    return host.equals("localhost")
        || host.matches("127(\\.\\d+){3}")
        || host.matches("\\[?(::1|0:0:0:0:0:0:0:1)]?");
  }

  /**
   * Binds the port for a moment, so that a taken one is found before it would be told badly.
   *
   * @throws IOException when it cannot be had, with the system's reason
   */
  public static void requireFree(String host, int port) throws IOException {
    try (ServerSocket probe = new ServerSocket()) {
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(host, port));
    }
  }
}
