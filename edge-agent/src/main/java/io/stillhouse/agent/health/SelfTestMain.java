package io.stillhouse.agent.health;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.agent.reconcile.TestFigures;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The self-test process. It takes a {@link SelfTestRequest} as the first line of standard input and
 * prints {@link TestFigures} as the only line of standard output. Its exit code is 0 whatever the
 * figures say; any other end is the model's fault, or the machine's.
 */
public final class SelfTestMain {
  private static final int FAILED = 1;
  private static final int ORPHANED = 2;

  private SelfTestMain() {}

  public static void main(String[] args) {
    PrintStream answer = System.out;
    // Nothing that logs may mix with the answer.
    System.setOut(System.err);
    ObjectMapper json = new ObjectMapper();
    try {
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      String line = in.readLine();
      if (line == null) {
        Runtime.getRuntime().halt(ORPHANED);
        return;
      }
      endWithParent(in);
      TestFigures figures =
          SelfTest.run(json.readValue(line, SelfTestRequest.class), System::nanoTime);
      answer.println(json.writeValueAsString(figures));
      answer.flush();
    } catch (IOException | RuntimeException | LinkageError e) {
      System.err.println(e.toString().replaceAll("\\p{Cntrl}+", " "));
      System.exit(FAILED);
    }
  }

  /**
   * The agent holds the other end of standard input for as long as it lives, so its end, by kill
   * too, is the input's end. Nobody would wait for a model that hangs then.
   */
  private static void endWithParent(BufferedReader in) {
    Thread watch =
        new Thread(
            () -> {
              try {
                while (in.read() >= 0) {
                  // Nothing more is expected; only the end matters.
                }
              } catch (IOException e) {
                System.err.println("standard input failed: " + e);
              }
              Runtime.getRuntime().halt(ORPHANED);
            },
            "parent-watch");
    watch.setDaemon(true);
    watch.start();
  }
}
