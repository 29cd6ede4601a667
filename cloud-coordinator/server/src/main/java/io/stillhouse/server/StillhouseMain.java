package io.stillhouse.server;

import io.stillhouse.lab.GracefulStop;
import io.stillhouse.server.cli.Cli;
import io.stillhouse.server.cli.Surroundings;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import picocli.CommandLine;

/** Entry point of {@code stillhouse}: where time, chance and the terminal come from. */
public final class StillhouseMain {
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** Longer than a step of training takes, and not so long that Ctrl-C seems to be ignored. */
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);

  private StillhouseMain() {}

  /** Runs one command and ends the process with its exit code. */
  @SuppressWarnings("SystemConsoleNull") // We run on 17, where it tells a terminal from a pipe.
  public static void main(String[] arguments) {
    // Kafka's broker brings the log4j API, which complains at its start that it finds no log4j.
    System.setProperty(
        "log4j2.loggerContextFactory",
        "org.apache.logging.log4j.simple.SimpleLoggerContextFactory");
    Surroundings around =
        new Surroundings(
            new PrintWriter(System.out, true, StandardCharsets.UTF_8),
            new PrintWriter(System.err, true, StandardCharsets.UTF_8),
            System.console() != null,
            System.getenv(),
            PAUSE);
    Chance chance = new Chance(InstantSource.system(), System::nanoTime, new SecureRandom());
    GracefulStop stop = new GracefulStop(STOP_PATIENCE);
    CommandLine commands = Cli.commands(around, chance.nanos(), stop);
    commands.addSubcommand("serve", new ServeCommand(around, chance));
    int code = Cli.finish(commands, around).execute(arguments);
    stop.ended();
    System.exit(code);
  }
}
