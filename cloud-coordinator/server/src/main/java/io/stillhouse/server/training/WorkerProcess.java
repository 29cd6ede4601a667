package io.stillhouse.server.training;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.training.WorkerOutcome.StopReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * One attempt of one job in a child JVM. The worker is stopped by closing its standard input, then
 * by SIGTERM, then by SIGKILL; it ends by itself when this process dies, because its standard input
 * ends then as well.
 */
public final class WorkerProcess implements Workplace {
  private static final Duration POLL = Duration.ofMillis(200);

  /** Long enough to write a checkpoint. */
  private static final Duration GRACE = Duration.ofSeconds(20);

  private static final Duration TERMINATION = Duration.ofSeconds(5);
  private static final int EXIT_DONE = 0;
  private static final int EXIT_REFUSED = 1;

  private final WorkerCommand command;
  private final LongSupplier nanos;

  /**
   * A place in which each attempt has a process of its own.
   *
   * @param nanos monotonic
   */
  public WorkerProcess(WorkerCommand command, LongSupplier nanos) {
    this.command = command;
    this.nanos = nanos;
  }

  @Override
  public WorkerOutcome run(Path jobDirectory, Watcher watcher) throws InterruptedException {
    Process process = start(jobDirectory);
    OutputTail tail = new OutputTail();
    WorkerEvents events = new WorkerEvents(tail);
    Thread out = reader("lab-worker-out", process.getInputStream(), events::drain);
    Thread err = reader("lab-worker-err", process.getErrorStream(), tail::drain);
    try {
      Optional<StopReason> stop = await(process, events, watcher);
      stop.ifPresent(reason -> stop(process));
      int exit = process.waitFor();
      // The pipes end with the process; what it said last decides, so wait for it.
      out.join(TERMINATION.toMillis());
      err.join(TERMINATION.toMillis());
      // A signal to the whole process group ends the worker before anybody has asked it to.
      Optional<StopReason> asked = watcher.observe(events.takeProgress());
      return outcome(exit, stop.or(() -> asked), events, tail);
    } finally {
      process.destroyForcibly();
    }
  }

  private static WorkerOutcome outcome(
      int exit, Optional<StopReason> stop, WorkerEvents events, OutputTail tail) {
    if (exit == EXIT_DONE && events.result().isPresent()) {
      return new WorkerOutcome.Done(events.result().get());
    }
    if (stop.isPresent()) {
      return new WorkerOutcome.Stopped(stop.get());
    }
    if (exit == EXIT_REFUSED && events.error().isPresent()) {
      return new WorkerOutcome.Refused(events.error().get());
    }
    return new WorkerOutcome.Crashed(exit, tail.text());
  }

  private Process start(Path jobDirectory) {
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command.line(jobDirectory)).directory(jobDirectory.toFile());
      builder.environment().putAll(command.environment());
      return builder.start();
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot start a lab worker",
          String.valueOf(e.getMessage()),
          "check that " + command.java() + " can be run and that processes and memory are left",
          e);
    }
  }

  private Optional<StopReason> await(Process process, WorkerEvents events, Watcher watcher)
      throws InterruptedException {
    long started = nanos.getAsLong();
    long limit = command.limits().timeLimit().toNanos();
    while (!process.waitFor(POLL.toMillis(), TimeUnit.MILLISECONDS)) {
      Optional<StopReason> wish = watcher.observe(events.takeProgress());
      if (wish.isPresent()) {
        return wish;
      }
      if (nanos.getAsLong() - started > limit) {
        return Optional.of(StopReason.TIME_LIMIT);
      }
    }
    return Optional.empty();
  }

  private static void stop(Process process) {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // It is gone already, or SIGTERM follows.
      process.destroy();
    }
    try {
      if (!process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroy();
      }
      if (!process.waitFor(TERMINATION.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private interface Drain {
    void drain(InputStream in) throws IOException;
  }

  private static Thread reader(String name, InputStream in, Drain drain) {
    Thread thread =
        new Thread(
            () -> {
              try (in) {
                drain.drain(in);
              } catch (IOException e) {
                // A killed process's pipe may break in the middle of a line: that is its end.
                org.slf4j.LoggerFactory.getLogger(WorkerProcess.class).debug("{} ended", name, e);
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
