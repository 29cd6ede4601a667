package io.stillhouse.agent.health;

import io.stillhouse.agent.inference.OnnxRuntime;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Runs one self-test process to its end. A model that takes its process down, or never ends, costs
 * the agent nothing.
 */
final class SelfTestChild {
  private static final int ANSWER_BYTES_MAX = 16 << 10;
  private static final int ERRORS_BYTES_KEPT = 8 << 10;

  /** How soon an abandoned trial or a timeout is noticed. */
  private static final long POLL_MILLIS = 50;

  /** A killed process ends at once unless the kernel holds it; the agent does not wait for that. */
  private static final long KILL_WAIT_MILLIS = 5_000;

  private final BooleanSupplier abandoned;
  private final Duration timeout;
  private final LongSupplier nanoTicker;

  /** How a process ended. */
  sealed interface Ending {
    /** By itself or by a signal: last line of its output and of its errors; either may be empty. */
    record Exited(int code, String answer, String lastError) implements Ending {}

    /** It was killed, because its time was over. */
    record TimedOut() implements Ending {}
  }

  SelfTestChild(BooleanSupplier abandoned, Duration timeout, LongSupplier nanoTicker) {
    this.abandoned = abandoned;
    this.timeout = timeout;
    this.nanoTicker = nanoTicker;
  }

  /**
   * Starts the process, hands it {@code request} and waits. No process is left behind, however this
   * returns.
   *
   * @throws IOException when no process can be started
   * @throws InterruptedException when the trial is no longer wanted
   */
  Ending run(String request) throws IOException, InterruptedException {
    stopWhenAbandoned();
    long begin = nanoTicker.getAsLong();
    Process process = builder().start();
    try {
      OutputTail answer = new OutputTail(process.getInputStream(), ANSWER_BYTES_MAX, "test-out");
      OutputTail errors = new OutputTail(process.getErrorStream(), ERRORS_BYTES_KEPT, "test-err");
      send(process.getOutputStream(), request);
      while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        stopWhenAbandoned();
        if (nanoTicker.getAsLong() - begin >= timeout.toNanos()) {
          return new Ending.TimedOut();
        }
      }
      return new Ending.Exited(
          process.exitValue(),
          answer.lastLine(KILL_WAIT_MILLIS),
          errors.lastLine(KILL_WAIT_MILLIS));
    } finally {
      end(process);
    }
  }

  private void stopWhenAbandoned() throws InterruptedException {
    if (abandoned.getAsBoolean()) {
      throw new InterruptedException("the self-test is no longer wanted");
    }
  }

  /** The input stays open: its end would tell the process that the agent is gone. */
  private static void send(OutputStream input, String request) {
    try {
      input.write((request + "\n").getBytes(StandardCharsets.UTF_8));
      input.flush();
    } catch (IOException e) {
      // It ended before it read: its exit code says more than the broken pipe.
    }
  }

  private static void end(Process process) {
    if (!process.isAlive()) {
      return;
    }
    process.destroyForcibly();
    boolean interrupted = Thread.interrupted();
    try {
      process.waitFor(KILL_WAIT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static ProcessBuilder builder() {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(
        List.of(
            // As the agent's own process, but with little room for garbage, which would count as
            // the model's memory.
            "-Xms8m",
            "-Xmx96m",
            "-Xmn4m",
            "-Xss512k",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            // A crash must not litter the directory that the agent was started in.
            "-XX:ErrorFile=/dev/null",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:+DisplayVMOutputToStderr"));
    command.addAll(OnnxRuntime.childOptions());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path", ""), SelfTestMain.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("ORT_DISABLE_TELEMETRY", "1");
    return builder;
  }

  private static String java() {
    return ProcessHandle.current()
        .info()
        .command()
        .orElseGet(() -> Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
  }
}
