package io.stillhouse.server.telemetry;

import io.stillhouse.server.broker.EmbeddedKafka;
import io.stillhouse.server.broker.Topics;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A process that runs the broker and the streams, so that a test can kill both at once. */
final class TelemetryChild {
  private TelemetryChild() {}

  public static void main(String[] arguments) throws InterruptedException {
    Path directory = Path.of(arguments[0]);
    EmbeddedKafka.Listen listen =
        new EmbeddedKafka.Listen(
            "127.0.0.1",
            "127.0.0.1",
            Integer.parseInt(arguments[1]),
            Integer.parseInt(arguments[2]));
    EmbeddedKafka broker = EmbeddedKafka.start(directory, listen);
    Topics.ensure(broker.access());
    new TelemetryStreams(broker.access(), "me", directory.resolve("streams"), reason -> {})
        .start()
        .awaitRunning();
    System.out.println("serving");
    new CountDownLatch(1).await();
  }
}
