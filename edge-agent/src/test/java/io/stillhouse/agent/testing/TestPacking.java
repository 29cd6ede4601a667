package io.stillhouse.agent.testing;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;

/** Packs files as docs/protocol.md says, cut into segments of every kind wherever that is. */
public final class TestPacking {
  private static final int STREAMS = 7;
  private static final int FIRST_PLANE = 3;

  private TestPacking() {}

  /** A file in about this many segments. */
  public static byte[] pack(byte[] file, int segments) {
    ByteArrayOutputStream[] streams = new ByteArrayOutputStream[STREAMS];
    Arrays.setAll(streams, i -> new ByteArrayOutputStream());
    int each = Math.max(4, file.length / segments / 4 * 4);
    int count = 0;
    try {
      DataOutputStream table = new DataOutputStream(streams[0]);
      for (int at = 0; at < file.length; count++) {
        int length = Math.min(each, file.length - at);
        int kind = length % 4 == 0 ? count % 3 : 0;
        table.writeByte(kind);
        table.writeInt(length);
        for (int i = 0; i < length; i++) {
          streams[kind == 2 ? FIRST_PLANE + i % 4 : 1 + kind].write(file[at + i]);
        }
        at += length;
      }
      byte[][] coded = new byte[STREAMS][];
      for (int i = 0; i < STREAMS; i++) {
        coded[i] = lzma(streams[i].toByteArray());
      }
      return form(file.length, count, coded);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A form of these streams, coded already. */
  public static byte[] form(int length, int segments, byte[]... coded) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(0x53544631);
      out.writeInt(length);
      out.writeInt(segments);
      for (byte[] stream : coded) {
        out.writeInt(stream.length);
      }
      for (byte[] stream : coded) {
        out.write(stream);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }

  public static byte[] lzma(byte[] plain) {
    return lzma(plain, 1 << 16);
  }

  /** A stream whose reader needs a dictionary of this many bytes. */
  public static byte[] lzma(byte[] plain, int dictionaryBytes) {
    if (plain.length == 0) {
      return plain;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      LZMA2Options options = new LZMA2Options(1);
      options.setDictSize(dictionaryBytes);
      try (LZMAOutputStream out = new LZMAOutputStream(bytes, options, -1)) {
        out.write(plain);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }
}
