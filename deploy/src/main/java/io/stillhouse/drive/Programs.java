package io.stillhouse.drive;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The programs that were started: each a child process with its own log file, all stopped when this
 * is closed. Thread-safe.
 */
public final class Programs implements AutoCloseable {
  private static final int LOG_TAIL_LINES = 12;
  private static final long STOP_SECONDS_MAX = 10;

  private final Path launchers;
  private final Path logs;
  private final List<Running> running = new ArrayList<>();

  /** A started program. */
  public record Running(String name, Process process, Path log) {
    public boolean alive() {
      return process.isAlive();
    }

    /** The end of its log, for a message that says why it died. */
    public String logTail() {
      try {
        List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
        return String.join(
            " | ", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
      } catch (IOException e) {
        return "no log at " + log;
      }
    }
  }

  public Programs(Path launchers, Path logs) throws IOException {
    this.launchers = launchers;
    this.logs = logs;
    Files.createDirectories(logs);
  }

  /** Starts a launcher of {@code deploy/bin} and leaves it running. */
  public Running start(String name, String launcher, List<String> arguments) throws IOException {
    return start(name, launch(launcher, arguments));
  }

  /** Starts any command and leaves it running. */
  public synchronized Running start(String name, List<String> command) throws IOException {
    Path log = logs.resolve(name + ".log");
    Running started = new Running(name, builder(command, log).start(), log);
    running.add(started);
    return started;
  }

  /** Ends a program as a power cut does, by a signal that it cannot catch, and forgets it. */
  public void kill(Running program) {
    program.process().destroyForcibly();
    forget(program);
  }

  /** Asks a program to end, waits until it has, and forgets it. */
  public void stop(Running program) {
    program.process().destroy();
    forget(program);
  }

  private synchronized void forget(Running program) {
    try {
      if (!program.process().waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
        throw new DriveException(
            program.name(), "still alive after " + STOP_SECONDS_MAX + " s", "See " + program.log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DriveException(program.name(), "interrupted", "Run it again");
    }
    running.remove(program);
  }

  /**
   * Runs a launcher to its end; a non-zero exit is a {@link DriveException} with its last words.
   */
  public void run(String name, String launcher, List<String> arguments) throws IOException {
    Path log = logs.resolve(name + ".log");
    Process process = builder(launch(launcher, arguments), log).start();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new DriveException(name, "did not end within 60 s", "See " + log);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new DriveException(name, "interrupted", "Run it again");
    }
    if (process.exitValue() != 0) {
      throw new DriveException(
          name,
          "exit " + process.exitValue() + ": " + new Running(name, process, log).logTail(),
          "See " + log);
    }
  }

  public synchronized void requireAlive() {
    for (Running program : running) {
      if (!program.alive()) {
        throw new DriveException(
            program.name() + " stopped by itself",
            "exit " + program.process().exitValue() + ": " + program.logTail(),
            "See " + program.log());
      }
    }
  }

  /** Resident bytes of a program that was started; 0 when there is none of that name. */
  public synchronized long residentBytes(String name) {
    return running.stream()
        .filter(program -> program.name().equals(name))
        .mapToLong(program -> MemoryWatch.residentBytes(program.process().pid()))
        .sum();
  }

  private List<String> launch(String launcher, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(launchers.resolve(launcher).toString());
    command.addAll(arguments);
    return command;
  }

  private static ProcessBuilder builder(List<String> command, Path log) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    return builder;
  }

  /** Stops in reverse order of starting, agents before the coordinator. */
  @Override
  public synchronized void close() {
    for (int i = running.size() - 1; i >= 0; i--) {
      running.get(i).process().destroy();
    }
    for (Running program : running) {
      try {
        if (!program.process().waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
          program.process().destroyForcibly();
        }
      } catch (InterruptedException e) {
        program.process().destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
    running.clear();
  }
}
