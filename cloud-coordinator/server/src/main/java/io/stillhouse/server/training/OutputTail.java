package io.stillhouse.server.training;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The last lines that a process wrote; everything older is dropped. Lines beyond their bound are
 * cut, so that a process cannot fill this JVM's memory by never ending one. Thread-safe.
 */
final class OutputTail {
  private static final int LINES_MAX = 40;
  private static final int LINE_BYTES_MAX = 500;

  private final Deque<String> lines = new ArrayDeque<>();

  /** Reads to the end of the stream. */
  void drain(InputStream in) throws IOException {
    BoundedLines reader = new BoundedLines(in, LINE_BYTES_MAX);
    for (byte[] line = reader.next(); line != null; line = reader.next()) {
      add(new String(line, StandardCharsets.UTF_8));
    }
  }

  synchronized void add(String line) {
    if (lines.size() == LINES_MAX) {
      lines.removeFirst();
    }
    lines.addLast(line);
  }

  synchronized String text() {
    return String.join("\n", lines);
  }
}
