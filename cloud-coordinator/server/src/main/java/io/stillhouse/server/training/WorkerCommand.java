package io.stillhouse.server.training;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How a lab worker is started: this JVM's own java and class path, a small heap, bounded native
 * memory.
 *
 * @param mainClass {@code io.stillhouse.lab.worker.LabWorkerMain}, or a test's own
 */
public record WorkerCommand(Path java, String classPath, String mainClass, Limits limits) {
  private static final long MIB = 1L << 20;

  /** What a JVM needs beside its heap and the lab's tensors: code, metaspace, stacks, libraries. */
  private static final int OVERHEAD_MIB = 1_024;

  private static final List<Path> PRLIMIT =
      List.of(Path.of("/usr/bin/prlimit"), Path.of("/bin/prlimit"));

  /**
   * Bounds of one worker process.
   *
   * @param heapMiB Java heap; the lab's numbers live outside of it
   * @param memoryMiB physical memory of the process as a whole
   * @param timeLimit of one attempt
   */
  public record Limits(int heapMiB, int memoryMiB, Duration timeLimit) {
    public Limits {
      if (heapMiB < 16 || memoryMiB < heapMiB || timeLimit.isNegative() || timeLimit.isZero()) {
        throw new IllegalArgumentException(
            "limits: heap %d MiB, memory %d MiB, %s (expected: 16 <= heap <= memory, time > 0)"
                .formatted(heapMiB, memoryMiB, timeLimit));
      }
    }
  }

  /** The lab's worker with the class path of this JVM. */
  public static WorkerCommand ofThisJvm(Limits limits) {
    return new WorkerCommand(
        Path.of(System.getProperty("java.home"), "bin", "java"),
        System.getProperty("java.class.path"),
        "io.stillhouse.lab.worker.LabWorkerMain",
        limits);
  }

  /**
   * Settings of the C library's allocator: it keeps the memory of a training step for the next one.
   * By default it returns every large tensor to the kernel, which then clears the pages again; that
   * takes more time than the arithmetic of a narrow network. Other C libraries ignore them. And no
   * threads inside the matrix library: the lab's own threads share the images, and its would only
   * wait for each other, spinning.
   */
  Map<String, String> environment() {
    return Map.of(
        "MALLOC_MMAP_THRESHOLD_", "33554432",
        "MALLOC_TRIM_THRESHOLD_", "4294967296",
        "MALLOC_ARENA_MAX", "1",
        "OPENBLAS_NUM_THREADS", "1");
  }

  List<String> line(Path jobDirectory) {
    List<String> line = new ArrayList<>();
    PRLIMIT.stream()
        .filter(Files::isExecutable)
        .findFirst()
        .ifPresent(
            prlimit ->
                line.addAll(
                    List.of(
                        prlimit.toString(),
                        // Writable private memory; the kernel refuses more, and the job fails
                        // alone instead of taking the coordinator with it.
                        "--data=" + (limits.memoryMiB() + OVERHEAD_MIB) * MIB,
                        "--core=0")));
    line.add(java.toString());
    line.add("-Xmx" + limits.heapMiB() + "m");
    line.add("-XX:+UseSerialGC");
    // Not ExitOnOutOfMemoryError: its exit code 3 means "cancelled" in our protocol.
    line.add("-XX:+CrashOnOutOfMemoryError");
    line.add("-XX:-CreateCoredumpOnCrash");
    line.add("-XX:ErrorFile=" + jobDirectory.resolve("crash.log"));
    line.add("-Dorg.bytedeco.javacpp.maxPhysicalBytes=" + limits.memoryMiB() + "m");
    line.add("-cp");
    line.add(classPath);
    line.add(mainClass);
    line.add(jobDirectory.toString());
    return line;
  }
}
