package io.stillhouse.lab.worker;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Entry point of a lab worker: {@code LabWorkerMain JOB_DIRECTORY}. Exit codes: 0 done, 1 the order
 * cannot be done, 3 told to stop and stopped; every other end is a crash, after which the same job
 * may be started again.
 */
public final class LabWorkerMain {
  private static final int EXIT_USAGE = 64;

  private LabWorkerMain() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      System.err.println("usage: LabWorkerMain JOB_DIRECTORY");
      System.exit(EXIT_USAGE);
    }
    // Only events go to the real standard output; what libraries print there joins the errors.
    PrintStream events = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Worker worker = new Worker(Path.of(arguments[0]), events, System::nanoTime);
    Thread watch = new Thread(() -> worker.stopAtEndOf(System.in), "lab-worker-stdin");
    watch.setDaemon(true);
    watch.start();
    // What else is thrown ends the process with a stack trace and without an event: a crash.
    System.exit(worker.run().code());
  }
}
