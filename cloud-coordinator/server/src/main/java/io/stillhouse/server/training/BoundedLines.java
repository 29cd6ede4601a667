package io.stillhouse.server.training;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Lines of a stream; what exceeds a line's bound is read and dropped. Not thread-safe. */
final class BoundedLines {
  private final InputStream in;
  private final int lineBytesMax;

  BoundedLines(InputStream in, int lineBytesMax) {
    this.in = new BufferedInputStream(in);
    this.lineBytesMax = lineBytesMax;
  }

  /** The next line without its end; null at the end of the stream. */
  byte @Nullable [] next() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int c = in.read();
    if (c < 0) {
      return null;
    }
    for (; c >= 0 && c != '\n'; c = in.read()) {
      if (line.size() < lineBytesMax && c != '\r') {
        line.write(c);
      }
    }
    return line.toByteArray();
  }
}
