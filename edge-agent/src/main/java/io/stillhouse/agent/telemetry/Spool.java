package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.telemetry.SpoolLedger.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded log of records on disk between those who append and the one who drains.
 *
 * <p>Promises: an appended record is durable when {@code append} returns; its number rises by one
 * per record, survives restarts and is never given to two records that were durable; records are
 * delivered in order and at least once; {@link #dropped} is the exact number of records that have a
 * number and are not, and never were, delivered. A number that is missing from what was delivered
 * is therefore always in {@code dropped}.
 *
 * <p>When the bound is reached the oldest segment goes, as a whole. A segment with records that
 * were handed out and not acknowledged is spared, and the next one goes: those records may have
 * reached the broker, and counting them as dropped would make the count wrong. After a restart it
 * is not known what was handed out, and the whole oldest segment is spared. When the disk refuses a
 * write the new records are dropped and counted; nothing is thrown.
 *
 * <p>A segment that was damaged at rest loses its records from the first bad one on. They are
 * counted, but for those in the newest segment found at open: there, damage and a torn write look
 * the same.
 *
 * <p>Thread-safe; one drain at a time.
 */
final class Spool implements AutoCloseable {
  /** Smallest bound with which the segments make sense. */
  static final long BYTES_MIN = 32 << 10;

  private static final long SEGMENT_BYTES_MAX = 1 << 20;
  private static final int SEGMENTS_PER_SPOOL = 8;

  /** Far below what any broker takes, so that no record can block the drain for ever. */
  private static final long RECORD_BYTES_MAX = 64 << 10;

  private static final Logger log = LoggerFactory.getLogger(Spool.class);

  private final SpoolStorage storage;
  private final SpoolLedger ledger;

  /** Bytes for all segments together. */
  private final long room;

  /** A segment is closed before it grows beyond this. */
  private final long segmentBytesMax;

  private final Deque<Segment> segments = new ArrayDeque<>();
  private Entry entry;
  private boolean entryDirty;

  /** True when the next record must begin a segment. */
  private boolean roll;

  private long nextSeq;

  /** Up to here the newest segment is durable. */
  private long durableSeq;

  private long durableBytes;

  /** Highest number that was, or may have been, handed to the drain. */
  private long readSeq;

  /** True while the file of the ledger's doomed segment may still be there. */
  private boolean doomedRemains;

  /** Where the last read began and where it ended: the next one begins at either. */
  private @Nullable ReadMark readFrom;

  private @Nullable ReadMark readTo;

  private record ReadMark(Segment segment, long seq, long offset) {}

  /** Makes a record's bytes, once its number is known. */
  interface Payload {
    byte[] of(long seq);
  }

  private Spool(SpoolStorage storage, SpoolLedger ledger, Entry entry, long bytesMax) {
    this.storage = storage;
    this.ledger = ledger;
    this.entry = entry;
    this.room = bytesMax - SpoolLedger.FILE_BYTES;
    this.segmentBytesMax = Math.min(SEGMENT_BYTES_MAX, room / SEGMENTS_PER_SPOOL);
  }

  /** Opens the spool in a directory, or creates it. */
  static Spool open(Path directory, long bytesMax) throws IOException {
    return open(new DirectoryStorage(directory), bytesMax);
  }

  static Spool open(SpoolStorage storage, long bytesMax) throws IOException {
    if (bytesMax < BYTES_MIN) {
      throw new IllegalArgumentException(
          "bytesMax: %d (expected: >= %d)".formatted(bytesMax, BYTES_MIN));
    }
    SpoolLedger ledger = new SpoolLedger(storage.open(SpoolLedger.FILE));
    try {
      Entry known = ledger.read().orElse(null);
      Spool spool =
          new Spool(storage, ledger, known == null ? create(storage, ledger) : known, bytesMax);
      spool.recover();
      return spool;
    } catch (IOException | RuntimeException e) {
      ledger.close();
      throw e;
    }
  }

  /** A new life of the spool: records of an older one cannot be numbered on and are removed. */
  private static Entry create(SpoolStorage storage, SpoolLedger ledger) throws IOException {
    for (String name : storage.list()) {
      if (Segment.firstSeqOf(name).isPresent()) {
        log.warn("Spool segment {} is removed: the ledger that numbers it is unreadable", name);
        storage.delete(name);
      }
    }
    ledger.allocate();
    Entry entry = new Entry(UUID.randomUUID(), 0, 0, 1, 0);
    ledger.write(entry);
    storage.syncDirectory();
    return entry;
  }

  private void recover() throws IOException {
    doomedRemains = entry.doomed() > 0;
    deleteDoomed();
    List<Long> firstSeqs = new ArrayList<>();
    for (String name : storage.list()) {
      OptionalLong firstSeq = Segment.firstSeqOf(name);
      if (firstSeq.isPresent()) {
        firstSeqs.add(firstSeq.getAsLong());
      }
    }
    firstSeqs.sort(null);
    nextSeq = Math.max(entry.next(), entry.acked() + 1);
    for (int i = 0; i < firstSeqs.size(); i++) {
      Segment.Scanned scanned = Segment.recover(storage, firstSeqs.get(i));
      Segment segment = scanned.segment();
      if (scanned.damaged() && i + 1 < firstSeqs.size()) {
        long lost = firstSeqs.get(i + 1) - 1 - Math.max(segment.lastSeq(), entry.acked());
        entry = entry.withDropped(Math.max(0, lost), firstSeqs.get(i + 1));
        entryDirty = true;
      }
      nextSeq = Math.max(nextSeq, segment.lastSeq() + 1);
      segments.addLast(segment);
      if (segment.lastSeq() < Math.max(segment.firstSeq(), entry.acked() + 1)) {
        remove(segment);
      }
    }
    Segment newest = segments.peekLast();
    durableSeq = newest == null ? nextSeq - 1 : newest.lastSeq();
    durableBytes = newest == null ? 0 : newest.sizeBytes();
    roll = newest == null || newest.lastSeq() + 1 != nextSeq;
    readSeq = segments.isEmpty() ? entry.acked() : segments.getFirst().lastSeq();
    saveEntry();
  }

  /** Fresh when the spool is created; together with a record's number it is unique. */
  synchronized String spoolId() {
    return entry.spoolId().toString();
  }

  /** Records that were numbered and given up, since the spool was created. */
  synchronized long dropped() {
    return entry.dropped();
  }

  /** Durable records that are not acknowledged. */
  synchronized long pending() {
    long count = 0;
    for (Segment segment : segments) {
      count += Math.max(0, segment.lastSeq() - Math.max(entry.acked(), segment.firstSeq() - 1));
    }
    return count;
  }

  /** Appends records with one sync; returns the number of the last one that is durable, if any. */
  synchronized OptionalLong append(List<? extends Payload> payloads) {
    long begin = nextSeq;
    int done = 0;
    try {
      for (; done < payloads.size(); done++) {
        if (!write(payloads.get(done))) {
          // The refused number may reach the ledger at once: those before it must be durable then.
          sync();
          dropNew(1);
        }
      }
      sync();
    } catch (IOException e) {
      log.warn("Telemetry cannot be written and is dropped: {}", e.toString());
      abandonUnsynced(payloads.size() - done);
    }
    saveEntry();
    Segment newest = segments.peekLast();
    return newest != null && newest.lastSeq() >= begin
        ? OptionalLong.of(newest.lastSeq())
        : OptionalLong.empty();
  }

  /** False when no room can be made. Bytes are written and not yet durable when true. */
  private boolean write(Payload payload) throws IOException {
    byte[] bytes = payload.of(nextSeq);
    long before = entry.dropped();
    if (!makeRoom(Segment.recordBytes(bytes))) {
      return false;
    }
    if (entry.dropped() != before) {
      // The record states how many were dropped: it is made again, now that more were.
      bytes = payload.of(nextSeq);
    }
    Segment newest = segments.peekLast();
    if (newest == null
        || roll
        || newest.sizeBytes() + Segment.recordBytes(bytes) > segmentBytesMax) {
      sync();
      if (entryDirty) {
        // Numbers that were refused come before this segment's: a power cut must not leave the
        // segment without the count.
        ledger.write(entry);
        entryDirty = false;
      }
      newest = Segment.create(storage, nextSeq);
      segments.addLast(newest);
      durableSeq = nextSeq - 1;
      durableBytes = 0;
      roll = false;
    }
    newest.append(nextSeq, bytes);
    nextSeq++;
    return true;
  }

  private void sync() throws IOException {
    Segment newest = segments.peekLast();
    if (newest != null && newest.lastSeq() > durableSeq) {
      newest.force();
      durableSeq = newest.lastSeq();
      durableBytes = newest.sizeBytes();
    }
  }

  /** Gives up a record that was numbered and never written. */
  private void dropNew(long count) {
    nextSeq += count;
    entry = entry.withDropped(count, nextSeq);
    entryDirty = true;
    roll = true;
  }

  /**
   * After a failed write: what is not durable counts as dropped, and so does what was to follow.
   */
  private void abandonUnsynced(int notWritten) {
    Segment newest = segments.peekLast();
    long unsynced = newest == null ? 0 : newest.lastSeq() - durableSeq;
    if (newest != null) {
      newest.cutBack(durableSeq, durableBytes);
      try {
        newest.trim();
      } catch (IOException e) {
        log.debug("The torn end of a segment stays until the next start: {}", e.toString());
      }
      if (newest.lastSeq() < newest.firstSeq()) {
        remove(newest);
      }
    }
    entry = entry.withDropped(unsynced, nextSeq);
    dropNew(notWritten);
  }

  private boolean makeRoom(long recordBytes) throws IOException {
    if (recordBytes > Math.min(RECORD_BYTES_MAX, segmentBytesMax)) {
      return false;
    }
    while (sizeBytes() + recordBytes > room) {
      Segment victim = droppable();
      if (victim == null) {
        return false;
      }
      drop(victim, victim.lastSeq() - Math.max(entry.acked(), victim.firstSeq() - 1), entry);
    }
    return true;
  }

  /**
   * Gives a whole segment up. Counted first, deleted second: the ledger's doomed mark keeps a
   * restart between the two from delivering what is counted, and the mark is set anew only when the
   * file before is surely gone.
   */
  private void drop(Segment victim, long count, Entry before) throws IOException {
    deleteDoomed();
    // Not the next number in memory: it counts records whose sync is still to come, and a power cut
    // would leave their numbers neither delivered nor counted. And not less than this: the segment
    // may be the last one that tells which numbers were used.
    Entry counted = before.withDropped(count, durableSeq + 1).withDoomed(victim.firstSeq());
    ledger.write(counted);
    entry = counted;
    doomedRemains = true;
    forget(victim);
    deleteDoomed();
  }

  private void deleteDoomed() throws IOException {
    if (doomedRemains) {
      storage.delete(Segment.name(entry.doomed()));
      storage.syncDirectory();
      doomedRemains = false;
    }
  }

  private @Nullable Segment droppable() {
    boolean handedOut = readSeq > entry.acked();
    for (Segment segment : segments) {
      boolean newest = segment == segments.peekLast();
      if (!newest && !(handedOut && segment.firstSeq() <= readSeq)) {
        return segment;
      }
    }
    return null;
  }

  private long sizeBytes() {
    long sum = 0;
    for (Segment segment : segments) {
      sum += segment.sizeBytes();
    }
    return sum;
  }

  /** Deletes a segment that a restart would delete again, should its file survive this. */
  private void remove(Segment segment) {
    try {
      forget(segment);
      storage.delete(Segment.name(segment.firstSeq()));
    } catch (IOException e) {
      log.debug("A finished segment stays until the next start: {}", e.toString());
    }
  }

  private void forget(Segment segment) throws IOException {
    segments.remove(segment);
    segment.close();
  }

  /** Retried at the next change when the disk refuses it: what it says is still true in memory. */
  private void saveEntry() {
    if (entryDirty) {
      try {
        ledger.write(entry);
        entryDirty = false;
      } catch (IOException e) {
        log.warn("The telemetry spool's ledger cannot be written: {}", e.toString());
      }
    }
  }

  /** The oldest records that are not acknowledged; the same ones again until they are. */
  synchronized SpoolBatch read(int recordsMax, int bytesMax) throws IOException {
    while (true) {
      Segment segment = firstPending();
      if (segment == null) {
        return new SpoolBatch(List.of());
      }
      long seq = Math.max(entry.acked() + 1, segment.firstSeq());
      Segment.Chunk chunk = segment.read(offsetOf(segment, seq), seq, recordsMax, bytesMax);
      if (!chunk.damaged()) {
        long last = chunk.items().get(chunk.items().size() - 1).seq();
        readSeq = Math.max(readSeq, last);
        readTo = new ReadMark(segment, last + 1, chunk.endOffset());
        return new SpoolBatch(chunk.items());
      }
      loseRest(segment, seq);
    }
  }

  private @Nullable Segment firstPending() {
    for (Segment segment : segments) {
      if (segment.lastSeq() > entry.acked()) {
        return segment;
      }
    }
    return null;
  }

  private long offsetOf(Segment segment, long seq) throws IOException {
    ReadMark begin = seq == segment.firstSeq() ? new ReadMark(segment, seq, 0) : null;
    for (ReadMark known : new @Nullable ReadMark[] {readFrom, readTo}) {
      if (known != null && known.segment == segment && known.seq == seq) {
        begin = known;
      }
    }
    if (begin == null) {
      begin = new ReadMark(segment, seq, segment.offsetOf(seq));
    }
    readFrom = begin;
    return begin.offset;
  }

  /** A record that was whole once can no longer be read: what follows it in its segment is lost. */
  private void loseRest(Segment segment, long seq) throws IOException {
    long lost = segment.lastSeq() - seq + 1;
    log.warn("{} telemetry records are damaged on disk and dropped", lost);
    roll = roll || segment == segments.peekLast();
    drop(segment, lost, entry.withAcked(segment.lastSeq()));
    if (segments.isEmpty()) {
      durableSeq = nextSeq - 1;
      durableBytes = 0;
    }
  }

  /**
   * Records up to {@code seq} need not be delivered again; whole segments of them are deleted.
   *
   * @throws IOException when that cannot be made durable: they will be delivered again
   */
  synchronized void ack(long seq) throws IOException {
    if (seq <= entry.acked() || seq > readSeq) {
      throw new IllegalArgumentException(
          "seq: %d (expected: %d < seq <= %d)".formatted(seq, entry.acked(), readSeq));
    }
    Entry advanced = entry.withAcked(seq);
    ledger.write(advanced);
    entry = advanced;
    entryDirty = false;
    for (Segment segment : List.copyOf(segments)) {
      if (segment.lastSeq() <= seq && segment != segments.peekLast()) {
        remove(segment);
      }
    }
  }

  /** Everything appended is durable already; this frees the files. */
  @Override
  public synchronized void close() throws IOException {
    for (Segment segment : segments) {
      segment.close();
    }
    segments.clear();
    ledger.close();
  }
}
