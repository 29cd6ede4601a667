package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs every command of the tutorial, in its order, and looks at what a reader would see. */
@Timeout(420)
class TutorialIT {
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```sh\\n(.*?)^```$");
  private static final int SECONDS_MAX = 400;

  @Test
  void every_command_of_the_tutorial_works() throws Exception {
    Path work = Checkout.fresh("tutorial");
    List<String> blocks = blocks();
    assertThat(blocks).hasSizeGreaterThan(8);
    assertThat(blocks.remove(0)).as("the build, of which this is a part").startsWith("mvn ");
    String commands =
        String.join("\n", blocks)
            .replace("target/tutorial", work.toString())
            // Whatever listens on the usual ports of this machine shall not matter.
            .replace("8080", freePort())
            .replace("7443", freePort());
    String coordinator = "export STILLHOUSE_COORDINATOR=http://127.0.0.1:%s\n";
    Path script = work.resolve("tutorial.sh");
    String port = commands.replaceAll("(?s).*http: \\{port: (\\d+)}.*", "$1");
    Files.writeString(script, "set -euo pipefail\n" + coordinator.formatted(port) + commands);
    Path output = work.resolve("output.txt");
    Process process =
        new ProcessBuilder("bash", script.toString())
            .directory(Checkout.ROOT.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      boolean ended = process.waitFor(SECONDS_MAX, TimeUnit.SECONDS);
      String seen = Files.readString(output);
      assertThat(ended).as(seen).isTrue();
      assertThat(process.exitValue()).as(seen).isZero();
      assertThat(seen)
          .contains("press-7")
          // Pictures this easy are told apart, by teacher and student alike.
          .containsPattern("(?m)^accuracy +(1|0[.]9)")
          .doesNotContainPattern("(?m)^accuracy +0[.][0-8]")
          // The device's limit is small enough to reject the students that promise most.
          .containsPattern("(?m)^\\S+ +separable_small\\S+ .* file \\d+ bytes > 98304$")
          .contains("SUCCEEDED")
          .contains("ROLLED_BACK")
          .contains("ro-2 did not succeed, as it should")
          .containsPattern("bars +[01]\\.\\d+ +pictures/test/bars/0.png");
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static List<String> blocks() throws IOException {
    Matcher block =
        BLOCK.matcher(Files.readString(Checkout.ROOT.resolve("docs").resolve("tutorial.md")));
    List<String> blocks = new ArrayList<>();
    while (block.find()) {
      blocks.add(block.group(1));
    }
    return blocks;
  }

  private static String freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return Integer.toString(socket.getLocalPort());
    }
  }
}
