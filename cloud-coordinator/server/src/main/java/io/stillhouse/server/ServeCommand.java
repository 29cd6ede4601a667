package io.stillhouse.server;

import io.stillhouse.server.cli.Surroundings;
import io.stillhouse.server.config.ConfigReader;
import io.stillhouse.server.config.CoordinatorConfig;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs a coordinator until the process is told to stop. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Run the coordinator until it is told to stop (Ctrl-C or SIGTERM).")
final class ServeCommand implements Callable<Integer> {
  private final Surroundings around;
  private final Chance chance;

  @Option(names = "--config", paramLabel = "FILE", description = "YAML; default: all defaults.")
  private Optional<Path> config = Optional.empty();

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where everything is kept; default: ${DEFAULT-VALUE}.")
  private Path dataDirectory = Path.of("stillhouse-data");

  ServeCommand(Surroundings around, Chance chance) {
    this.around = around;
    this.chance = chance;
  }

  @Override
  public Integer call() throws InterruptedException {
    CoordinatorConfig settings = config.map(ConfigReader::read).orElse(CoordinatorConfig.DEFAULT);
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    // Before the start, so that a signal during it ends in good order, too.
    Thread hook = new Thread(() -> stopAndWait(stop, stopped), "stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try (Coordinator coordinator = Coordinator.start(settings, dataDirectory, chance)) {
      coordinator.warnings().forEach(around.err()::println);
      around.err().flush();
      coordinator.endpointLines().forEach(around.out()::println);
      around.out().println("ready");
      around.out().flush();
      stop.await();
    } finally {
      stopped.countDown();
    }
    return 0;
  }

  private static void stopAndWait(CountDownLatch stop, CountDownLatch stopped) {
    stop.countDown();
    try {
      stopped.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
