package io.stillhouse.agent.telemetry;

import java.util.List;

/** Consecutive durable records, oldest first, not yet acknowledged. */
record SpoolBatch(List<Item> items) {
  SpoolBatch {
    items = List.copyOf(items);
  }

  boolean isEmpty() {
    return items.isEmpty();
  }

  /** A record's number and bytes. Not a record type: records hold no arrays. */
  static final class Item {
    private final long seq;
    private final byte[] payload;

    Item(long seq, byte[] payload) {
      this.seq = seq;
      this.payload = payload;
    }

    long seq() {
      return seq;
    }

    /** Not a copy; the item is handed over to its one reader. */
    byte[] payload() {
      return payload;
    }
  }
}
