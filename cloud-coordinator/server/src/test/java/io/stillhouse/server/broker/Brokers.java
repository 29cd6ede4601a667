package io.stillhouse.server.broker;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Where brokers of tests listen. */
final class Brokers {
  private Brokers() {}

  static EmbeddedKafka.Listen listen() throws IOException {
    return new EmbeddedKafka.Listen("127.0.0.1", "127.0.0.1", freePort(), freePort());
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
