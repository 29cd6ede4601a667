package io.stillhouse.lab.evaluate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Loads and runs one model in a process of its own and prints by how many bytes that grew the
 * process: highest resident size at the end minus resident size before the runtime was touched.
 */
public final class MemoryProbeMain {
  private static final int RUNS = 20;

  private MemoryProbeMain() {}

  /** Measures the model file that the first argument names. */
  public static void main(String[] args) throws IOException {
    long before = statusBytes("VmRSS:");
    try (OrtModel model = OrtModel.open(Files.readAllBytes(Path.of(args[0])))) {
      float[] image = new float[model.inputElements()];
      for (int i = 0; i < RUNS; i++) {
        model.run(image);
      }
      System.out.println(Math.max(0, statusBytes("VmHWM:") - before));
    }
  }

  private static long statusBytes(String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IOException("/proc/self/status has no " + field);
  }
}
