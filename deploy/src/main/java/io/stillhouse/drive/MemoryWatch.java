package io.stillhouse.drive;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Highest resident memory over the quickstart's whole process tree, sampled each second. Pages that
 * processes share are counted once for each, so the figure is an upper bound.
 */
public final class MemoryWatch implements AutoCloseable {
  private final AtomicLong peakBytes = new AtomicLong();
  private final ScheduledExecutorService sampler =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "memory-watch");
            thread.setDaemon(true);
            return thread;
          });

  public MemoryWatch() {
    var unused = sampler.scheduleAtFixedRate(this::sample, 0, 1, TimeUnit.SECONDS);
  }

  public long peakBytes() {
    return peakBytes.get();
  }

  private void sample() {
    ProcessHandle self = ProcessHandle.current();
    long sum = residentBytes(self.pid());
    sum += self.descendants().mapToLong(child -> residentBytes(child.pid())).sum();
    peakBytes.accumulateAndGet(sum, Math::max);
  }

  /** Resident bytes of one process; 0 once it has gone. */
  public static long residentBytes(long pid) {
    try {
      for (String line :
          Files.readAllLines(Path.of("/proc/" + pid + "/status"), StandardCharsets.UTF_8)) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
        }
      }
    } catch (IOException | RuntimeException e) {
      return 0;
    }
    return 0;
  }

  @Override
  public void close() {
    sampler.shutdownNow();
  }
}
