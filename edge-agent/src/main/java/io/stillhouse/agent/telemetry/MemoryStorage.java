package io.stillhouse.agent.telemetry;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A spool's files in memory: where telemetry waits while the disk has no place for it. Whoever uses
 * it bounds the spool. Not thread-safe: one spool owns it.
 */
final class MemoryStorage implements SpoolStorage {
  private static final int FILE_BYTES_FIRST = 1 << 10;

  private final Map<String, MemoryFile> files = new HashMap<>();

  @Override
  public List<String> list() {
    return List.copyOf(files.keySet());
  }

  @Override
  public SpoolFile open(String name) {
    return files.computeIfAbsent(name, unused -> new MemoryFile());
  }

  @Override
  public void delete(String name) {
    files.remove(name);
  }

  @Override
  public void syncDirectory() {}

  private static final class MemoryFile implements SpoolFile {
    private byte[] bytes = new byte[FILE_BYTES_FIRST];
    private int size;

    @Override
    public long size() {
      return size;
    }

    @Override
    public void read(ByteBuffer target, long position) {
      int at = Math.toIntExact(position);
      if (at < size) {
        target.put(bytes, at, Math.min(target.remaining(), size - at));
      }
    }

    @Override
    public void write(ByteBuffer source, long position) {
      int at = Math.toIntExact(position);
      int end = Math.addExact(at, source.remaining());
      if (end > bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.max(end, 2 * bytes.length));
      }
      if (at > size) {
        Arrays.fill(bytes, size, at, (byte) 0);
      }
      source.get(bytes, at, end - at);
      size = Math.max(size, end);
    }

    @Override
    public void truncate(long length) {
      size = (int) Math.min(size, length);
    }

    @Override
    public void force() {}

    @Override
    public void close() {}
  }
}
