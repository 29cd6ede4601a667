package io.stillhouse.lab.worker;

import io.stillhouse.lab.GracefulStop;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Entry point of a lab worker: {@code LabWorkerMain JOB_DIRECTORY}. Exit codes: 0 done, 1 the order
 * cannot be done, 3 told to stop and stopped; every other end is a crash, after which the same job
 * may be started again.
 */
public final class LabWorkerMain {
  private static final int EXIT_USAGE = 64;

  /** Of a terminal's Ctrl-C, which reaches a coordinator's workers as well. */
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);

  private LabWorkerMain() {}

  public static void main(String[] arguments) {
    if (arguments.length != 1) {
      System.err.println("usage: LabWorkerMain JOB_DIRECTORY");
      System.exit(EXIT_USAGE);
    }
    // Only events go to the real standard output; what libraries print there joins the errors.
    PrintStream events = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    GracefulStop stop = new GracefulStop(STOP_PATIENCE);
    Worker worker = new Worker(Path.of(arguments[0]), events, System::nanoTime, stop);
    Thread watch = new Thread(() -> worker.stopAtEndOf(System.in), "lab-worker-stdin");
    watch.setDaemon(true);
    watch.start();
    int code;
    try {
      // What is thrown ends the process with a stack trace and without an event: a crash.
      code = stop.during(() -> run(worker)).code();
    } finally {
      stop.ended();
    }
    System.exit(code);
  }

  private static Worker.Ending run(Worker worker) {
    try {
      return worker.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
