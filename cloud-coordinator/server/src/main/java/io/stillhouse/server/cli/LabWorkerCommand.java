package io.stillhouse.server.cli;

import io.stillhouse.server.remote.ClaimCalls;
import io.stillhouse.server.remote.RemoteWorker;
import io.stillhouse.server.training.WorkerCommand;
import io.stillhouse.server.training.WorkerProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lends this machine to a coordinator's lab. */
@Command(
    name = "worker",
    mixinStandardHelpOptions = true,
    description = {
      "Do a coordinator's lab jobs on this machine, one at a time, until stopped.",
      "The coordinator must have lab.remoteWorkers: true. A job's data is read here, by the",
      "path that the model was trained with; all else comes from the coordinator and goes back.",
      "Stopped by a signal, the job goes back too; its checkpoint stays here for a while."
    })
final class LabWorkerCommand implements Callable<Integer> {
  private static final int HEAP_MIB = 512;
  private static final int NAME_CHARACTERS_MAX = 80;

  /** The coordinator keeps the limit that its configuration has. */
  private static final Duration TIME_MAX = Duration.ofDays(70);

  private final Surroundings around;
  private final LongSupplier nanos;

  @Mixin private CoordinatorOption coordinator = new CoordinatorOption();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "How the coordinator calls this worker; default: the host's name.")
  private Optional<String> name = Optional.empty();

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of a job; default: one per processor.")
  private int threads;

  @Option(
      names = "--memory-mib",
      paramLabel = "N",
      defaultValue = "4096",
      description = "Memory of a job's process in all; default: ${DEFAULT-VALUE}.")
  private int memoryMiB;

  @Option(
      names = "--work-dir",
      paramLabel = "DIR",
      defaultValue = "${sys:user.home}/.stillhouse/worker",
      description = "Folder for jobs, of one worker alone; default: ~/.stillhouse/worker.")
  private Path folder = Path.of("");

  LabWorkerCommand(Surroundings around, LongSupplier nanos) {
    this.around = around;
    this.nanos = nanos;
  }

  @Override
  @SuppressWarnings("try") // The lock is held, and used for nothing else.
  public Integer call() throws InterruptedException {
    if (threads < 0 || threads > 1_024) {
      throw CliException.ofUsage(
          "cannot work so", "threads: " + threads + " (expected: 0 to 1024)", "change --threads");
    }
    ClaimCalls calls = coordinator.claims(around);
    WorkerCommand command = WorkerCommand.ofThisJvm(limits());
    try (FileChannel owned = own()) {
      RemoteWorker worker =
          new RemoteWorker(
              calls,
              new WorkerProcess(command, nanos),
              new RemoteWorker.Settings(name(), folder.toAbsolutePath(), threads, around.pause()),
              nanos,
              this::say);
      CountDownLatch stopped = new CountDownLatch(1);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stopAndWait(worker, stopped), "stop"));
      try {
        worker.run();
      } finally {
        stopped.countDown();
      }
      return 0;
    } catch (ClaimCalls.RefusedException e) {
      throw new CliException("cannot work for " + calls.base(), e.why(), e.fix());
    } catch (IOException e) {
      throw folderRefused(String.valueOf(e.getMessage()));
    }
  }

  private WorkerCommand.Limits limits() {
    try {
      return new WorkerCommand.Limits(HEAP_MIB, memoryMiB, TIME_MAX);
    } catch (IllegalArgumentException e) {
      throw CliException.ofUsage(
          "cannot work so", String.valueOf(e.getMessage()), "raise --memory-mib");
    }
  }

  /** Two workers of one folder would write over each other. */
  private FileChannel own() throws IOException {
    Files.createDirectories(folder);
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (lock(channel) == null) {
      channel.close();
      throw folderRefused("another worker runs on it");
    }
    return channel;
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // This very process has it.
    }
  }

  private CliException folderRefused(String why) {
    return new CliException("cannot use " + folder, why, "choose another --work-dir");
  }

  private String name() {
    String chosen = name.orElseGet(LabWorkerCommand::host).replaceAll("[^A-Za-z0-9._-]", "-");
    // Different for each start: a worker that was restarted has forgotten what it had claimed.
    return chosen.substring(0, Math.min(chosen.length(), NAME_CHARACTERS_MAX))
        + "-"
        + ProcessHandle.current().pid();
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "worker";
    }
  }

  private void say(String line) {
    around.err().println(line.replaceAll("\\p{Cntrl}+", " "));
    around.err().flush();
  }

  private static void stopAndWait(RemoteWorker worker, CountDownLatch stopped) {
    worker.stop();
    try {
      stopped.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
