package io.stillhouse.lab.evaluate;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Measures the memory that a model costs, in a child process with a small heap: inside the lab's
 * own process the growth of one model drowns in what training left behind.
 */
public final class MemoryProbe {
  private static final long SECONDS_MAX = 60;
  private static final long HEAP_MEBIBYTES = 64;

  private MemoryProbe() {}

  /**
   * Growth in bytes of a process that loads and runs the file; empty where it cannot be measured.
   */
  public static OptionalLong peakBytes(Path onnx) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heapMebibytes(onnx) + "m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1"));
    String natives = System.getProperty("onnxruntime.native.path");
    if (natives != null) {
      command.add("-Donnxruntime.native.path=" + natives);
    }
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            MemoryProbeMain.class.getName(),
            onnx.toAbsolutePath().toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.PIPE)
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("ORT_DISABLE_TELEMETRY", "1");
    return run(builder);
  }

  /** Small, but large enough for the file, which is read whole. */
  private static long heapMebibytes(Path onnx) {
    try {
      return HEAP_MEBIBYTES + 2 * (Files.size(onnx) >> 20);
    } catch (IOException e) {
      return HEAP_MEBIBYTES;
    }
  }

  private static OptionalLong run(ProcessBuilder builder) {
    Process child;
    try {
      child = builder.start();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      // It prints one short line at its very end, so waiting first cannot block on a full pipe.
      if (!child.waitFor(SECONDS_MAX, TimeUnit.SECONDS) || child.exitValue() != 0) {
        return OptionalLong.empty();
      }
      String line = out.readLine();
      return line == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(line.trim()));
    } catch (IOException | NumberFormatException e) {
      return OptionalLong.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return OptionalLong.empty();
    } finally {
      child.destroyForcibly();
    }
  }
}
