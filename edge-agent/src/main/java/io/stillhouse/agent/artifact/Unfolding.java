package io.stillhouse.agent.artifact;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.XZIOException;

/**
 * Gives the packed form of a file its bytes back; docs/protocol.md has the layout of "stf1". Works
 * on files of any size in a few MiB: nothing is held but the decoders' dictionaries and one block.
 * What comes out is bounded by what the manifest declares, and is believed by its digest only.
 */
final class Unfolding {
  private static final int MAGIC = 0x53544631; // "STF1"
  private static final int TEXT = 0;
  private static final int PLANES = 2;
  private static final int PLANE_COUNT = 4;
  private static final int FIRST_PLANE = 3;
  private static final int STREAMS = FIRST_PLANE + PLANE_COUNT;
  private static final int HEADER_BYTES = (3 + STREAMS) * Integer.BYTES;

  /** A decoder that asks for more is refused: the packer uses a dictionary of 1 MiB. */
  private static final int DECODER_KIB_MAX = 2 << 10;

  private static final int BLOCK_BYTES = 64 << 10;

  private final Disk disk;

  Unfolding(Disk disk) {
    this.disk = disk;
  }

  /** Says what is wrong with a packed form. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String what) {
      super(what);
    }
  }

  /**
   * Writes the file that a packed form stands for. Killed in between, it is simply done again.
   *
   * @param sizeBytes of the file, as the manifest declares it
   * @throws MalformedException when the form is damaged or stands for another length
   * @throws IOException when the disk refuses
   */
  void unfold(Path packed, Path file, long sizeBytes) throws MalformedException, IOException {
    long[] lengths = new long[STREAMS];
    int segments;
    try (DataInputStream header = new DataInputStream(disk.open(packed))) {
      expect(header.readInt() == MAGIC, "it begins otherwise");
      long declared = header.readInt();
      expect(declared == sizeBytes, "it stands for %d bytes".formatted(declared));
      segments = header.readInt();
      for (int i = 0; i < STREAMS; i++) {
        lengths[i] = header.readInt();
        expect(lengths[i] >= 0, "a stream of %d bytes".formatted(lengths[i]));
      }
    } catch (EOFException e) {
      throw new MalformedException("it ends in its header");
    }
    InputStream[] streams = new InputStream[STREAMS];
    Arrays.fill(streams, InputStream.nullInputStream());
    try {
      long at = HEADER_BYTES;
      for (int i = 0; i < STREAMS; i++) {
        if (lengths[i] > 0) {
          streams[i] = decoder(packed, at);
        }
        at += lengths[i];
      }
      expect(disk.size(packed) == at, "it has %d bytes of %d".formatted(disk.size(packed), at));
      join(streams, segments, new Target(file, sizeBytes));
    } catch (EOFException | XZIOException e) {
      throw new MalformedException("a stream is damaged: " + e.getMessage());
    } finally {
      for (InputStream stream : streams) {
        stream.close();
      }
    }
  }

  private InputStream decoder(Path packed, long at) throws IOException {
    InputStream in = disk.open(packed);
    try {
      in.skipNBytes(at);
      return new LZMAInputStream(new BufferedInputStream(in), DECODER_KIB_MAX);
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private static void join(InputStream[] streams, int segments, Target target)
      throws MalformedException, IOException {
    DataInputStream table = new DataInputStream(streams[0]);
    for (int s = 0; s < segments; s++) {
      int kind = table.readUnsignedByte();
      int length = table.readInt();
      expect(kind >= TEXT && kind <= PLANES, "a segment of kind " + kind);
      expect(length > 0 && length <= target.left(), "a segment of %d bytes".formatted(length));
      expect(kind != PLANES || length % PLANE_COUNT == 0, "planes of unlike length");
      for (int done = 0; done < length; ) {
        byte[] block = new byte[Math.min(BLOCK_BYTES, length - done)];
        if (kind == PLANES) {
          byte[] plane = new byte[block.length / PLANE_COUNT];
          for (int p = 0; p < PLANE_COUNT; p++) {
            fill(streams[FIRST_PLANE + p], plane);
            for (int i = 0; i < plane.length; i++) {
              block[i * PLANE_COUNT + p] = plane[i];
            }
          }
        } else {
          fill(streams[1 + kind], block);
        }
        target.write(block);
        done += block.length;
      }
    }
    expect(target.left() == 0, "it lacks %d bytes".formatted(target.left()));
  }

  private static void fill(InputStream stream, byte[] block) throws IOException {
    if (stream.readNBytes(block, 0, block.length) < block.length) {
      throw new EOFException("too short");
    }
  }

  private final class Target {
    private final Path file;
    private final long sizeBytes;
    private long written;

    Target(Path file, long sizeBytes) {
      this.file = file;
      this.sizeBytes = sizeBytes;
    }

    long left() {
      return sizeBytes - written;
    }

    void write(byte[] block) throws IOException {
      disk.writeAt(file, written, block);
      written += block.length;
    }
  }

  private static void expect(boolean holds, String otherwise) throws MalformedException {
    if (!holds) {
      throw new MalformedException(otherwise);
    }
  }
}
