package io.stillhouse.agent.health;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Reads a process's output to its end on a thread of its own, and keeps the last bytes of it: a
 * process that prints without end neither blocks nor fills the memory.
 */
final class OutputTail {
  private static final int READ_BYTES = 4 << 10;

  private final byte[] ring;
  private final Thread thread;
  private long read; // guarded by this

  OutputTail(InputStream in, int bytesKept, String threadName) {
    this.ring = new byte[bytesKept];
    this.thread = new Thread(() -> drain(in), threadName);
    this.thread.setDaemon(true);
    this.thread.start();
  }

  private void drain(InputStream in) {
    byte[] buffer = new byte[READ_BYTES];
    try {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        keep(buffer, n);
      }
    } catch (IOException e) {
      // The process was ended and its pipe closed: what came until then is kept.
    }
  }

  private synchronized void keep(byte[] buffer, int count) {
    for (int i = 0; i < count; i++) {
      ring[(int) (read++ % ring.length)] = buffer[i];
    }
  }

  /** The last line that is not blank, empty when there is none. Waits for the end, but not long. */
  String lastLine(long waitMillisMax) throws InterruptedException {
    thread.join(waitMillisMax);
    List<String> lines = text().lines().filter(line -> !line.isBlank()).toList();
    return lines.isEmpty() ? "" : lines.get(lines.size() - 1).strip();
  }

  private synchronized String text() {
    int kept = (int) Math.min(read, ring.length);
    byte[] bytes = new byte[kept];
    for (int i = 0; i < kept; i++) {
      bytes[i] = ring[(int) ((read - kept + i) % ring.length)];
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
