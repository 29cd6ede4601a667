package io.stillhouse.server.config;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Finds out that a port is taken before anything is started that would tell it badly. */
public final class ListenPort {
  private ListenPort() {}

  /**
   * Binds the port for a moment.
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
