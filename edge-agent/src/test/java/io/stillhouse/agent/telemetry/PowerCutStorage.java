package io.stillhouse.agent.telemetry;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/**
 * Files in memory that know what was synced. {@link #afterPowerCut} gives what a disk may hold when
 * the power fails: synced bytes for certain, each unsynced sector and each unsynced directory entry
 * or not, as chance has it. Can also cut the power itself after a number of operations, and be
 * full.
 */
final class PowerCutStorage implements SpoolStorage {
  private static final int SECTOR_BYTES = 512;

  private final RandomGenerator random;
  private final Map<String, File> names = new TreeMap<>();
  private final Map<String, File> durableNames = new TreeMap<>();
  private long operationsLeft = Long.MAX_VALUE;
  private long bytesFree = Long.MAX_VALUE;

  PowerCutStorage(RandomGenerator random) {
    this.random = random;
  }

  /** The power failed: nothing after this reaches the disk. */
  static final class PowerCut extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  void cutAfter(long operations) {
    operationsLeft = operations;
  }

  /** From now on files may grow by so much together; overwriting stays possible. */
  void fillUpTo(long free) {
    bytesFree = free;
  }

  PowerCutStorage afterPowerCut() {
    PowerCutStorage after = new PowerCutStorage(random);
    Set<String> all = new TreeSet<>(names.keySet());
    all.addAll(durableNames.keySet());
    for (String name : all) {
      File now = names.get(name);
      File durable = durableNames.get(name);
      File survivor = now == durable || random.nextBoolean() ? now : durable;
      if (survivor != null) {
        File copy = after.new File(survivor.torn());
        after.names.put(name, copy);
        after.durableNames.put(name, copy);
      }
    }
    return after;
  }

  /** Flips one bit of a file. */
  void rot(String name) {
    File file = java.util.Objects.requireNonNull(names.get(name), name);
    int at = random.nextInt(file.bytes.length);
    file.bytes[at] ^= (byte) (1 << random.nextInt(8));
    file.durable = file.bytes.clone();
  }

  private void operation() {
    if (operationsLeft-- <= 0) {
      operationsLeft = 0;
      throw new PowerCut();
    }
  }

  @Override
  public List<String> list() {
    operation();
    return List.copyOf(names.keySet());
  }

  @Override
  public SpoolFile open(String name) throws IOException {
    operation();
    File file = names.get(name);
    if (file == null) {
      if (bytesFree <= 0) {
        throw new IOException("No space left on device");
      }
      file = new File(new byte[0]);
      names.put(name, file);
    }
    return file;
  }

  @Override
  public void delete(String name) {
    operation();
    names.remove(name);
  }

  @Override
  public void syncDirectory() {
    operation();
    durableNames.clear();
    durableNames.putAll(names);
  }

  private final class File implements SpoolFile {
    private byte[] bytes;
    private byte[] durable;

    File(byte[] bytes) {
      this.bytes = bytes.clone();
      this.durable = bytes.clone();
    }

    byte[] torn() {
      byte[] result = random.nextBoolean() ? bytes.clone() : Arrays.copyOf(bytes, durable.length);
      for (int at = 0; at < result.length; at += SECTOR_BYTES) {
        int end = Math.min(result.length, at + SECTOR_BYTES);
        byte[] source = random.nextBoolean() ? bytes : durable;
        for (int i = at; i < end; i++) {
          result[i] = i < source.length ? source[i] : i < durable.length ? durable[i] : 0;
        }
      }
      return result;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void read(ByteBuffer target, long position) {
      int count = (int) Math.max(0, Math.min(target.remaining(), bytes.length - position));
      if (count > 0) {
        target.put(bytes, (int) position, count);
      }
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      boolean cut = operationsLeft <= 0;
      List<Byte> put = new ArrayList<>();
      int end = (int) position + source.remaining();
      long growth = Math.max(0, end - bytes.length);
      long granted = Math.min(growth, bytesFree);
      // A full disk and a cut both leave a part of the write behind.
      int partial = cut ? random.nextInt(source.remaining() + 1) : source.remaining();
      partial = (int) Math.min(partial, source.remaining() - (growth - granted));
      while (put.size() < partial) {
        put.add(source.get());
      }
      if (position + partial > bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) position + partial);
      }
      for (int i = 0; i < partial; i++) {
        bytes[(int) position + i] = put.get(i);
      }
      bytesFree -= bytesFree == Long.MAX_VALUE ? 0 : granted;
      operation();
      if (granted < growth) {
        throw new IOException("No space left on device");
      }
    }

    @Override
    public void truncate(long size) {
      operation();
      bytes = Arrays.copyOf(bytes, (int) Math.min(size, bytes.length));
    }

    @Override
    public void force() {
      operation();
      durable = bytes.clone();
    }

    @Override
    public void close() {}
  }
}
