package io.stillhouse.agent.inference;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Starts processes of their own: a process loads the runtime once. */
@Timeout(60)
class NativeLibrariesTest {
  @TempDir Path directory;

  /** Loads the runtime and prints its version. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      OnnxRuntime.prepare(Path.of(args[0]));
      System.out.println(OnnxRuntime.version());
    }
  }

  @BeforeEach
  void only_where_the_jar_has_libraries() {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "libraries are shipped for Linux");
  }

  private String start() throws IOException, InterruptedException {
    Path temporary = Files.createDirectories(directory.resolve("tmp"));
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                directory.resolve("native").toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(child.getInputStream().readAllBytes(), UTF_8);
    assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(child.exitValue()).as(output).isZero();
    assertThat(list(temporary)).as("litter in the temporary directory").isEmpty();
    return output.strip().lines().reduce((first, last) -> last).orElse("");
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> !f.toString().contains("hsperfdata")).toList();
    }
  }

  @Test
  void libraries_are_unpacked_once_and_repaired_when_they_are_cut_off() throws Exception {
    assertThat(start()).isEqualTo(OnnxRuntime.version());
    Path folder = list(directory.resolve("native")).get(0);
    Path library = folder.resolve("libonnxruntime.so");
    FileTime written = Files.getLastModifiedTime(library);
    long size = Files.size(library);

    Files.createDirectories(directory.resolve("native/onnxruntime-older"));
    assertThat(start()).isEqualTo(OnnxRuntime.version());
    assertThat(Files.getLastModifiedTime(library)).isEqualTo(written);
    assertThat(list(directory.resolve("native"))).containsExactly(folder);

    Files.write(library, new byte[1_000]);
    assertThat(start()).isEqualTo(OnnxRuntime.version());
    assertThat(Files.size(library)).isEqualTo(size);
  }

  @Test
  void where_nothing_can_be_written_the_runtime_loads_its_own_way() throws Exception {
    Files.write(directory.resolve("native"), new byte[0]);
    Path temporary = Files.createDirectories(directory.resolve("tmp"));
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                directory.resolve("native").toString())
            .redirectErrorStream(true)
            .start();
    assertThat(new String(child.getInputStream().readAllBytes(), UTF_8))
        .contains(OnnxRuntime.version());
  }
}
