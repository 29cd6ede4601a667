package io.stillhouse.server.broker;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A process that does nothing but run the broker, so that a test can kill it. */
final class BrokerChild {
  private BrokerChild() {}

  public static void main(String[] arguments) throws InterruptedException {
    EmbeddedKafka.start(
        Path.of(arguments[0]),
        new EmbeddedKafka.Listen(
            "127.0.0.1",
            "127.0.0.1",
            Integer.parseInt(arguments[1]),
            Integer.parseInt(arguments[2])));
    System.out.println("serving");
    new CountDownLatch(1).await();
  }
}
