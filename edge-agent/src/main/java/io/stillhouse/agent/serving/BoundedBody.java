package io.stillhouse.agent.serving;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A request body that ends the request when it is longer than allowed. */
final class BoundedBody extends FilterInputStream {
  private long left;

  /** The body went beyond its bound. */
  static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  BoundedBody(InputStream body, long bytesMax) {
    super(body);
    this.left = bytesMax;
  }

  @Override
  public int read() throws IOException {
    int value = super.read();
    spend(value < 0 ? 0 : 1);
    return value;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    int count = super.read(target, offset, length);
    spend(Math.max(0, count));
    return count;
  }

  private void spend(int count) throws TooLongException {
    left -= count;
    if (left < 0) {
      throw new TooLongException();
    }
  }
}
