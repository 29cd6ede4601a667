package io.stillhouse.agent.telemetry;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The few file operations that a {@link Spool} needs, so that a test can cut the power between any
 * two of them.
 */
interface SpoolStorage {
  /** Names of all files, in no order. */
  List<String> list() throws IOException;

  /** Opens a file for reading and writing; makes it when it is missing. */
  SpoolFile open(String name) throws IOException;

  /** Deletes a file; nothing happens when it is missing. */
  void delete(String name) throws IOException;

  /** Makes the creation and deletion of files durable. */
  void syncDirectory() throws IOException;

  /** An open file. */
  interface SpoolFile extends Closeable {
    long size() throws IOException;

    /** Reads until the buffer is full or the file ends. */
    void read(ByteBuffer target, long position) throws IOException;

    /** Writes the whole buffer. */
    void write(ByteBuffer source, long position) throws IOException;

    void truncate(long size) throws IOException;

    /** Makes everything written so far durable. */
    void force() throws IOException;

    @Override
    void close() throws IOException;
  }
}
