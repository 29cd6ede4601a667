package io.stillhouse.agent.artifact;

import java.util.Arrays;
import java.util.Random;

/** Random damage: bits flipped, bytes overwritten, cut off, inserted, moved, repeated. */
final class Corruption {
  private Corruption() {}

  static byte[] of(byte[] whole, Random random) {
    byte[] bytes = whole.clone();
    int times = 1 + random.nextInt(3);
    for (int i = 0; i < times; i++) {
      bytes = once(bytes, random);
    }
    return bytes;
  }

  private static byte[] once(byte[] bytes, Random random) {
    if (bytes.length == 0) {
      return new byte[] {(byte) random.nextInt()};
    }
    int at = random.nextInt(bytes.length);
    switch (random.nextInt(7)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) random.nextInt();
      case 2 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 3 -> {
        byte[] longer = Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(64));
        for (int i = bytes.length; i < longer.length; i++) {
          longer[i] = (byte) random.nextInt();
        }
        return longer;
      }
      case 4 -> {
        int length = 1 + random.nextInt(Math.min(16, bytes.length - at));
        for (int i = at; i < at + length; i++) {
          bytes[i] = (byte) random.nextInt();
        }
      }
      case 5 -> {
        int from = random.nextInt(bytes.length);
        int length = random.nextInt(bytes.length - Math.max(at, from)) + 1;
        byte[] piece = Arrays.copyOfRange(bytes, from, from + length);
        System.arraycopy(piece, 0, bytes, at, length);
      }
      default -> {
        byte[] shorter = new byte[bytes.length - 1];
        System.arraycopy(bytes, 0, shorter, 0, at);
        System.arraycopy(bytes, at + 1, shorter, at, shorter.length - at);
        return shorter;
      }
    }
    return bytes;
  }
}
