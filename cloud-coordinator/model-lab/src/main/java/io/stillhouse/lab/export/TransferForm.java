package io.stillhouse.lab.export;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.lab.export.onnx.ModelProto;
import io.stillhouse.lab.export.onnx.TensorProto;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.LZMAOutputStream;

/**
 * An ONNX file as it travels: entropy-coded, and unfolded on the device to the same bytes. Who
 * unfolds needs to know nothing of ONNX.
 *
 * <p>The file is cut into segments, and what is alike is coded together: the graph's text and small
 * tensors; the bytes of larger tensors of one-byte numbers; and those of four-byte numbers in four
 * planes, all first bytes, all second bytes and so on, because exponents repeat and fractions do
 * not. Zeros from sparsity, repeats from palettes and narrow int8 values are what makes it small;
 * of dense float32 weights a tenth is saved at best.
 *
 * <p>Layout, integers big-endian: the magic {@value #MAGIC}; length of the file (int); number of
 * segments (int); lengths of the seven streams (ints); the streams: table, text, bytes, planes 0 to
 * 3. Each stream is empty or in the .lzma format (LZMA1, a dictionary of {@value #DICTIONARY_BYTES}
 * bytes, with end marker). The table has a byte of kind (0 text, 1 bytes, 2 planes) and a length
 * (int) for each segment, in the order of the file.
 */
public final class TransferForm {
  /** What a packed file is called, after the name of the file. */
  public static final String SUFFIX = ".stf";

  /** Larger files travel as they are: packing them would take minutes. */
  public static final int FILE_BYTES_MAX = 64 << 20;

  /** A form that saves less than this share of the file is not worth unfolding. */
  public static final double SAVING_MIN = 0.05;

  static final int MAGIC = 0x53544631; // "STF1"
  static final int DICTIONARY_BYTES = 1 << 20;

  private static final int DECODER_KIB_MAX = 2 << 10;
  private static final int SEGMENTS_MAX = 1 << 16;

  /** Smaller tensors stay in the text: an entry of the table would cost more. */
  private static final int TENSOR_BYTES_MIN = 64;

  private static final int TEXT = 0;
  private static final int BYTES = 1;
  private static final int PLANES = 2;
  private static final int PLANE_COUNT = 4;
  private static final int FIRST_PLANE = 3;
  private static final int STREAMS = FIRST_PLANE + PLANE_COUNT;

  private TransferForm() {}

  private record Segment(int kind, int from, int length) {}

  /** The packed form of a file, when it saves enough. */
  public static Optional<byte[]> pack(byte[] onnx) {
    if (onnx.length == 0 || onnx.length > FILE_BYTES_MAX) {
      return Optional.empty();
    }
    byte[] packed = packed(onnx, segments(onnx));
    return packed.length <= (1 - SAVING_MIN) * onnx.length && Arrays.equals(unpack(packed), onnx)
        ? Optional.of(packed)
        : Optional.empty();
  }

  /** Bytes that a device downloads for a file. */
  public static int wireBytes(byte[] onnx) {
    return pack(onnx).map(packed -> packed.length).orElse(onnx.length);
  }

  /** Where larger tensors lie. Any cut gives the file back; a good one makes the form small. */
  private static List<Segment> segments(byte[] onnx) {
    List<Segment> segments = new ArrayList<>();
    int done = 0;
    try {
      for (TensorProto tensor : ModelProto.parseFrom(onnx).getGraph().getInitializerList()) {
        byte[] raw = tensor.getRawData().toByteArray();
        int at = raw.length < TENSOR_BYTES_MIN ? -1 : find(raw, onnx, done);
        if (at < 0 || segments.size() > SEGMENTS_MAX - 3) {
          continue;
        }
        text(segments, done, at);
        boolean four =
            raw.length % PLANE_COUNT == 0
                && (tensor.getDataType() == OnnxFile.FLOAT
                    || tensor.getDataType() == OnnxFile.INT32);
        segments.add(new Segment(four ? PLANES : BYTES, at, raw.length));
        done = at + raw.length;
      }
    } catch (InvalidProtocolBufferException e) {
      segments.clear(); // no ONNX file: all of it is text
      done = 0;
    }
    text(segments, done, onnx.length);
    return segments;
  }

  private static void text(List<Segment> segments, int from, int to) {
    if (to > from) {
      segments.add(new Segment(TEXT, from, to - from));
    }
  }

  /** The first place from {@code from} on where the bytes stand; -1 when there is none. */
  private static int find(byte[] wanted, byte[] in, int from) {
    for (int at = from; at <= in.length - wanted.length; at++) {
      if (Arrays.equals(in, at, at + wanted.length, wanted, 0, wanted.length)) {
        return at;
      }
    }
    return -1;
  }

  private static byte[] packed(byte[] onnx, List<Segment> segments) {
    ByteArrayOutputStream[] streams = new ByteArrayOutputStream[STREAMS];
    Arrays.setAll(streams, i -> new ByteArrayOutputStream());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream table = new DataOutputStream(streams[0]);
        DataOutputStream out = new DataOutputStream(bytes)) {
      for (Segment segment : segments) {
        table.writeByte(segment.kind());
        table.writeInt(segment.length());
        for (int i = 0; i < segment.length(); i++) {
          int stream =
              segment.kind() == PLANES ? FIRST_PLANE + i % PLANE_COUNT : 1 + segment.kind();
          streams[stream].write(onnx[segment.from() + i]);
        }
      }
      byte[][] coded = new byte[STREAMS][];
      for (int i = 0; i < STREAMS; i++) {
        coded[i] = coded(streams[i].toByteArray(), i > 1);
      }
      out.writeInt(MAGIC);
      out.writeInt(onnx.length);
      out.writeInt(segments.size());
      for (byte[] stream : coded) {
        out.writeInt(stream.length);
      }
      for (byte[] stream : coded) {
        out.write(stream);
      }
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  /**
   * One stream.
   *
   * @param numbers whether neighbours tell nothing of each other, as in weights
   */
  private static byte[] coded(byte[] plain, boolean numbers) throws IOException {
    if (plain.length == 0) {
      return plain;
    }
    LZMA2Options options = new LZMA2Options();
    options.setDictSize(DICTIONARY_BYTES);
    if (numbers) {
      options.setLcLp(0, 0);
      options.setPb(0);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (LZMAOutputStream out = new LZMAOutputStream(bytes, options, -1)) {
      out.write(plain);
    }
    return bytes.toByteArray();
  }

  /**
   * The file again, bit for bit.
   *
   * @throws IllegalArgumentException when the bytes are no such form or damaged
   */
  public static byte[] unpack(byte[] packed) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(packed))) {
      expect(in.readInt() == MAGIC, "another beginning");
      byte[] file = new byte[within(in.readInt(), FILE_BYTES_MAX)];
      int segments = within(in.readInt(), SEGMENTS_MAX);
      int[] lengths = new int[STREAMS];
      for (int i = 0; i < STREAMS; i++) {
        lengths[i] = within(in.readInt(), packed.length);
      }
      InputStream[] streams = new InputStream[STREAMS];
      for (int i = 0; i < STREAMS; i++) {
        byte[] coded = in.readNBytes(lengths[i]);
        expect(coded.length == lengths[i], "an end too early");
        streams[i] =
            coded.length == 0
                ? InputStream.nullInputStream()
                : new LZMAInputStream(new ByteArrayInputStream(coded), DECODER_KIB_MAX);
      }
      expect(in.read() < 0, "bytes after its end");
      join(file, segments, streams);
      return file;
    } catch (IOException e) {
      throw new IllegalArgumentException("transfer form: it is damaged: " + e.getMessage(), e);
    }
  }

  private static void join(byte[] file, int segments, InputStream[] streams) throws IOException {
    DataInputStream table = new DataInputStream(streams[0]);
    int done = 0;
    for (int s = 0; s < segments; s++) {
      int kind = table.readUnsignedByte();
      int length = within(table.readInt(), file.length - done);
      expect(kind <= PLANES, "a segment of kind " + kind);
      if (kind == PLANES) {
        for (int plane = 0; plane < PLANE_COUNT; plane++) {
          byte[] part = streams[FIRST_PLANE + plane].readNBytes(length / PLANE_COUNT);
          expect(part.length * PLANE_COUNT == length, "a plane that is too short");
          for (int i = 0; i < part.length; i++) {
            file[done + i * PLANE_COUNT + plane] = part[i];
          }
        }
      } else {
        int read = streams[1 + kind].readNBytes(file, done, length);
        expect(read == length, "a stream that is too short");
      }
      done += length;
    }
    expect(done == file.length, "a file that is too short");
    for (InputStream stream : streams) {
      expect(stream.read() < 0, "bytes that no segment takes");
    }
  }

  private static int within(int value, int max) {
    expect(value >= 0 && value <= max, "%d (expected: 0 to %d)".formatted(value, max));
    return value;
  }

  private static void expect(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException("transfer form: it has " + otherwise);
    }
  }
}
