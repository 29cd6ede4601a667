package io.stillhouse.system;

import io.stillhouse.server.broker.EmbeddedKafka;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A Kafka broker in a process of its own, as in production, so that it can be killed alone. */
final class BrokerProcess {
  private BrokerProcess() {}

  /** The command that runs it. */
  static List<String> command(Path directory, int port, int controllerPort) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-cp",
        System.getProperty("java.class.path"),
        BrokerProcess.class.getName(),
        directory.toString(),
        Integer.toString(port),
        Integer.toString(controllerPort));
  }

  public static void main(String[] arguments) throws InterruptedException {
    EmbeddedKafka.start(
        Path.of(arguments[0]),
        new EmbeddedKafka.Listen(
            "127.0.0.1",
            "127.0.0.1",
            Integer.parseInt(arguments[1]),
            Integer.parseInt(arguments[2])));
    new CountDownLatch(1).await();
  }
}
