package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.telemetry.SpoolStorage.SpoolFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The spool's facts that no segment holds, on disk.
 *
 * <p>One file with two places, written in turn, each with a checksum and a rising number: a write
 * that is cut off spoils one place and leaves the other, older one. The file has its full size from
 * the beginning, so that an update needs no new block and succeeds on a full disk too.
 */
final class SpoolLedger {
  static final String FILE = "ledger";

  /** The places are this far apart, so that no sector or page holds parts of both. */
  private static final int PLACE_BYTES = 4_096;

  static final int FILE_BYTES = 2 * PLACE_BYTES;
  private static final int MAGIC = 0x53_50_4c_31;
  private static final int ENTRY_BYTES =
      Integer.BYTES + 7 * Long.BYTES + Integer.BYTES; // magic, seven numbers, checksum

  private final SpoolFile file;
  private long updates;

  /**
   * What is known.
   *
   * @param acked records up to this sequence number need not be sent any more
   * @param dropped records given up since the spool was created
   * @param next lowest sequence number that was never used, as far as this ledger knows
   * @param doomed first sequence number of a segment whose records are in {@code dropped} and whose
   *     file may still be there; zero for none
   */
  record Entry(UUID spoolId, long acked, long dropped, long next, long doomed) {
    Entry withAcked(long seq) {
      return new Entry(spoolId, seq, dropped, next, doomed);
    }

    Entry withDropped(long count, long nextSeq) {
      return new Entry(spoolId, acked, dropped + count, Math.max(next, nextSeq), doomed);
    }

    Entry withDoomed(long firstSeq) {
      return new Entry(spoolId, acked, dropped, next, firstSeq);
    }
  }

  SpoolLedger(SpoolFile file) {
    this.file = file;
  }

  /** The latest whole entry, if there is one. */
  Optional<Entry> read() throws IOException {
    Optional<Entry> latest = Optional.empty();
    for (int place = 0; place < 2; place++) {
      ByteBuffer bytes = ByteBuffer.allocate(ENTRY_BYTES);
      file.read(bytes, (long) place * PLACE_BYTES);
      bytes.flip();
      if (!whole(bytes)) {
        continue;
      }
      bytes.position(Integer.BYTES);
      long number = bytes.getLong();
      if (number > updates) {
        updates = number;
        UUID id = new UUID(bytes.getLong(), bytes.getLong());
        latest =
            Optional.of(
                new Entry(id, bytes.getLong(), bytes.getLong(), bytes.getLong(), bytes.getLong()));
      }
    }
    return latest;
  }

  private static boolean whole(ByteBuffer bytes) {
    return bytes.limit() == ENTRY_BYTES
        && bytes.getInt(0) == MAGIC
        && bytes.getInt(ENTRY_BYTES - Integer.BYTES) == checksum(bytes);
  }

  private static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate().position(0).limit(ENTRY_BYTES - Integer.BYTES));
    return (int) crc.getValue();
  }

  /** Gives the file its full size, before the first entry. */
  void allocate() throws IOException {
    file.write(ByteBuffer.allocate(FILE_BYTES), 0);
    file.force();
  }

  /** Durable when this returns; the entry before it stays valid when this throws. */
  void write(Entry entry) throws IOException {
    long number = updates + 1;
    ByteBuffer bytes = ByteBuffer.allocate(ENTRY_BYTES);
    bytes
        .putInt(MAGIC)
        .putLong(number)
        .putLong(entry.spoolId.getMostSignificantBits())
        .putLong(entry.spoolId.getLeastSignificantBits())
        .putLong(entry.acked)
        .putLong(entry.dropped)
        .putLong(entry.next)
        .putLong(entry.doomed);
    bytes.limit(bytes.position() + Integer.BYTES);
    bytes.putInt(checksum(bytes));
    // A failed write may have spoilt its place; the next attempt uses the same one again.
    file.write(bytes.flip(), number % 2 * PLACE_BYTES);
    file.force();
    updates = number;
  }

  void close() throws IOException {
    file.close();
  }
}
