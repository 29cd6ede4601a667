package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.telemetry.SpoolStorage.SpoolFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One file of consecutive records. A record is a length (of what follows the checksum), a CRC32C
 * over length, number and payload, the sequence number and the payload, all big-endian.
 *
 * <p>Its known end may be before the file's: bytes beyond it were never made durable.
 */
final class Segment {
  private static final int HEADER_BYTES = 2 * Integer.BYTES;
  private static final int OVERHEAD_BYTES = HEADER_BYTES + Long.BYTES;
  private static final Pattern NAME = Pattern.compile("(\\d{19})\\.segment");

  private final SpoolFile file;
  private final long firstSeq;
  private long lastSeq;
  private long sizeBytes;

  private Segment(SpoolFile file, long firstSeq) {
    this.file = file;
    this.firstSeq = firstSeq;
    this.lastSeq = firstSeq - 1;
  }

  static String name(long firstSeq) {
    return "%019d.segment".formatted(firstSeq);
  }

  /** The first sequence number of a segment of this name; empty for other files. */
  static OptionalLong firstSeqOf(String name) {
    Matcher matcher = NAME.matcher(name);
    return matcher.matches()
        ? OptionalLong.of(Long.parseLong(matcher.group(1)))
        : OptionalLong.empty();
  }

  static long recordBytes(byte[] payload) {
    return (long) OVERHEAD_BYTES + payload.length;
  }

  static Segment create(SpoolStorage storage, long firstSeq) throws IOException {
    SpoolFile file = storage.open(name(firstSeq));
    try {
      // A file of this name can be the rest of one whose creation was cut off.
      file.truncate(0);
      storage.syncDirectory();
      return new Segment(file, firstSeq);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  /** What a scan found: the segment up to its last whole record, and whether bytes were cut off. */
  record Scanned(Segment segment, boolean damaged) {}

  /** Opens a file that may end in a torn record, and truncates it at the first bad one. */
  static Scanned recover(SpoolStorage storage, long firstSeq) throws IOException {
    Segment segment = new Segment(storage.open(name(firstSeq)), firstSeq);
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(segment.file.size()));
    segment.file.read(bytes, 0);
    bytes.flip();
    byte[] payload = next(bytes, firstSeq);
    while (payload != null) {
      segment.lastSeq++;
      payload = next(bytes, segment.lastSeq + 1);
    }
    segment.sizeBytes = bytes.position();
    boolean damaged = bytes.hasRemaining();
    if (damaged) {
      segment.file.truncate(segment.sizeBytes);
      segment.file.force();
    }
    return new Scanned(segment, damaged);
  }

  /** The next record's payload, or null, without moving, when it is not whole. */
  private static byte @Nullable [] next(ByteBuffer bytes, long seq) {
    int start = bytes.position();
    if (bytes.remaining() < OVERHEAD_BYTES) {
      return null;
    }
    int length = bytes.getInt(start);
    if (length < Long.BYTES || length > bytes.remaining() - HEADER_BYTES) {
      return null;
    }
    int end = start + HEADER_BYTES + length;
    if (bytes.getInt(start + Integer.BYTES) != checksum(bytes, start, end)
        || bytes.getLong(start + HEADER_BYTES) != seq) {
      return null;
    }
    byte[] payload = new byte[length - Long.BYTES];
    bytes.get(start + OVERHEAD_BYTES, payload);
    bytes.position(end);
    return payload;
  }

  private static int checksum(ByteBuffer bytes, int start, int end) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate().limit(start + Integer.BYTES).position(start));
    crc.update(bytes.duplicate().limit(end).position(start + HEADER_BYTES));
    return (int) crc.getValue();
  }

  /** Writes at the end; not durable before {@link #force}, and forgotten by {@link #cutBack}. */
  void append(long seq, byte[] payload) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(recordBytes(payload)));
    bytes.putInt(Long.BYTES + payload.length).putInt(0).putLong(seq).put(payload);
    bytes.putInt(Integer.BYTES, checksum(bytes.flip(), 0, bytes.limit()));
    file.write(bytes, sizeBytes);
    sizeBytes += recordBytes(payload);
    lastSeq = seq;
  }

  void force() throws IOException {
    file.force();
  }

  /** Forgets what lies beyond a point at which the segment was durable. */
  void cutBack(long durableSeq, long durableBytes) {
    lastSeq = durableSeq;
    sizeBytes = durableBytes;
  }

  /** Cuts the file off at the known end. */
  void trim() throws IOException {
    file.truncate(sizeBytes);
    file.force();
  }

  /** Records read from one segment. */
  record Chunk(List<SpoolBatch.Item> items, long endOffset, boolean damaged) {}

  /**
   * Reads from {@code offset}, where the record {@code seq} begins, as much as the bounds allow.
   */
  Chunk read(long offset, long seq, int recordsMax, int bytesMax) throws IOException {
    long wanted = Math.min(sizeBytes - offset, bytesMax);
    ByteBuffer bytes = load(offset, wanted);
    List<SpoolBatch.Item> items = take(bytes, seq, recordsMax);
    if (items.isEmpty() && wanted < sizeBytes - offset) {
      // One record may be larger than the caller's wish; it is delivered alone.
      bytes = load(offset, sizeBytes - offset);
      items = take(bytes, seq, 1);
    }
    return new Chunk(items, offset + bytes.position(), items.isEmpty());
  }

  private ByteBuffer load(long offset, long count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(count));
    file.read(bytes, offset);
    return bytes.flip();
  }

  private static List<SpoolBatch.Item> take(ByteBuffer bytes, long firstSeq, int recordsMax) {
    List<SpoolBatch.Item> items = new ArrayList<>();
    while (items.size() < recordsMax) {
      long seq = firstSeq + items.size();
      byte[] payload = next(bytes, seq);
      if (payload == null) {
        break;
      }
      items.add(new SpoolBatch.Item(seq, payload));
    }
    return items;
  }

  /** Where record {@code seq} begins. */
  long offsetOf(long seq) throws IOException {
    ByteBuffer bytes = load(0, sizeBytes);
    for (long at = firstSeq; at < seq && next(bytes, at) != null; at++) {
      // Each step moves the buffer past one record.
    }
    return bytes.position();
  }

  long firstSeq() {
    return firstSeq;
  }

  long lastSeq() {
    return lastSeq;
  }

  long sizeBytes() {
    return sizeBytes;
  }

  void close() throws IOException {
    file.close();
  }
}
