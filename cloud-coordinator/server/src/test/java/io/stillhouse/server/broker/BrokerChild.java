package io.stillhouse.server.broker;

import io.stillhouse.server.identity.Pki;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/**
 * A process that does nothing but run the broker, so that a test can kill it; with TLS when it is
 * given a directory of keys.
 */
final class BrokerChild {
  private BrokerChild() {}

  public static void main(String[] arguments) throws InterruptedException {
    EmbeddedKafka.start(
        Path.of(arguments[0]),
        new EmbeddedKafka.Listen(
            "127.0.0.1",
            "127.0.0.1",
            Integer.parseInt(arguments[1]),
            Integer.parseInt(arguments[2])),
        arguments.length == 3
            ? Optional.empty()
            : Optional.of(
                Pki.open(
                        Path.of(arguments[3]),
                        List.of(),
                        InstantSource.system(),
                        new SecureRandom())
                    .broker(List.of())));
    System.out.println("serving");
    new CountDownLatch(1).await();
  }
}
