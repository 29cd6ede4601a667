package io.stillhouse.lab.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The checker that comes with ONNX, in a Python process. */
public final class OnnxChecker {
  private static final long SECONDS_MAX = 120;

  private static final String CHECK_ALL =
      """
      import glob, onnx, sys
      paths = sorted(glob.glob(sys.argv[1] + '/*.onnx'))
      for path in paths:
          try:
              onnx.checker.check_model(onnx.load(path), full_check=True)
          except Exception as e:
              print(path, str(e).splitlines()[0])
      print('checked', len(paths))
      """;

  private OnnxChecker() {}

  /** Checks every ONNX file of a folder; skipped, with the reason, where Python has no onnx. */
  public static void check(Path folder) throws IOException, InterruptedException {
    Optional<String> python = python();
    if (python.isEmpty()) {
      System.out.println("the ONNX checker is skipped: install python3-onnx to run it");
    }
    assumeTrue(python.isPresent(), "python3-onnx is not installed");
    Ran ran = run(List.of(python.orElseThrow(), "-c", CHECK_ALL, folder.toString()));
    assertThat(ran.output().lines().toList()).as(ran.output()).hasSize(1);
    assertThat(ran.output()).startsWith("checked ").doesNotStartWith("checked 0");
  }

  /** A Python that has onnx: the system's, whose packages they are, before that of the path. */
  public static Optional<String> python() throws IOException, InterruptedException {
    for (String python : List.of("/usr/bin/python3", "python3")) {
      if (run(List.of(python, "-c", "import onnx")).code() == 0) {
        return Optional.of(python);
      }
    }
    return Optional.empty();
  }

  /** How a process ended and what it printed. */
  public record Ran(int code, String output) {}

  /** Runs a command; one that is not there ends with 127. */
  public static Ran run(List<String> command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      return new Ran(127, String.valueOf(e.getMessage()));
    }
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException(command.get(0) + " takes longer than " + SECONDS_MAX + " s");
    }
    return new Ran(process.exitValue(), output);
  }
}
