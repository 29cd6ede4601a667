package io.stillhouse.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The programs that the story starts: each a child process with its own log file, all stopped when
 * the story ends, however it ends.
 */
final class Programs implements AutoCloseable {
  private static final int LOG_TAIL_LINES = 12;
  private static final long STOP_SECONDS_MAX = 10;

  private final Path launchers;
  private final Path logs;
  private final List<Running> running = new ArrayList<>();

  /** A started program. */
  record Running(String name, Process process, Path log) {
    boolean alive() {
      return process.isAlive();
    }

    /** The end of its log, for a message that says why it died. */
    String logTail() {
      try {
        List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
        return String.join(
            " | ", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
      } catch (IOException e) {
        return "no log at " + log;
      }
    }
  }

  Programs(Path launchers, Path logs) throws IOException {
    this.launchers = launchers;
    this.logs = logs;
    Files.createDirectories(logs);
  }

  /** Starts a launcher of {@code deploy/bin} and leaves it running. */
  synchronized Running start(String name, String launcher, List<String> arguments)
      throws IOException {
    Path log = logs.resolve(name + ".log");
    Process process = builder(launcher, arguments, log).start();
    Running started = new Running(name, process, log);
    running.add(started);
    return started;
  }

  /**
   * Runs a launcher to its end; a non-zero exit is a {@link StoryException} with its last words.
   */
  void run(String name, String launcher, List<String> arguments) throws IOException {
    Path log = logs.resolve(name + ".log");
    Process process = builder(launcher, arguments, log).start();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new StoryException(name, "did not end within 60 s", "See " + log);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new StoryException(name, "interrupted", "Run the quickstart again");
    }
    if (process.exitValue() != 0) {
      throw new StoryException(
          name,
          "exit " + process.exitValue() + ": " + new Running(name, process, log).logTail(),
          "See " + log);
    }
  }

  synchronized void requireAlive() {
    for (Running program : running) {
      if (!program.alive()) {
        throw new StoryException(
            program.name() + " stopped by itself",
            "exit " + program.process().exitValue() + ": " + program.logTail(),
            "See " + program.log());
      }
    }
  }

  /** Resident bytes of a program that was started; 0 when there is none of that name. */
  synchronized long residentBytes(String name) {
    return running.stream()
        .filter(program -> program.name().equals(name))
        .mapToLong(program -> MemoryWatch.residentBytes(program.process().pid()))
        .sum();
  }

  private ProcessBuilder builder(String launcher, List<String> arguments, Path log) {
    List<String> command = new ArrayList<>();
    command.add(launchers.resolve(launcher).toString());
    command.addAll(arguments);
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
