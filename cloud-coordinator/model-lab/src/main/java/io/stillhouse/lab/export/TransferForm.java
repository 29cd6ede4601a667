package io.stillhouse.lab.export;

import com.google.protobuf.ByteString;
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
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * An ONNX file as it may travel: entropy-coded, and unfolded again to the same bytes.
 *
 * <p>Layout, big-endian: the magic {@value #MAGIC}, one byte of form, the length of the file (int),
 * then deflate streams (RFC 1951 in zlib framing, level 9), each behind its length (int). Form 0 is
 * one stream, the file. Form 1 is the file without the numbers of its larger tensors, then one
 * stream per tensor in order; four-byte numbers are split into planes, all first bytes, then all
 * second bytes and so on, because exponents repeat and fractions do not. Whatever form is smaller
 * is used, and only after it has been unfolded and compared.
 *
 * <p>Zeros from sparsity, repeats from palettes and narrow int8 values are what makes it small; of
 * dense float32 weights a tenth is saved at best.
 */
public final class TransferForm {
  /** Files beyond this are not unfolded, so that a small message cannot ask for endless memory. */
  public static final int FILE_BYTES_MAX = 1 << 30;

  private static final int MAGIC = 0x53544631; // "STF1"
  private static final int WHOLE = 0;
  private static final int SPLIT = 1;

  /** Smaller tensors stay where they are: a stream of their own would cost more. */
  private static final int TENSOR_BYTES_MIN = 256;

  private static final int PLANES = 4;

  private TransferForm() {}

  /** The smaller form of a file. */
  public static byte[] pack(byte[] onnx) {
    byte[] whole = streams(WHOLE, onnx.length, List.of(onnx));
    byte[] split = split(onnx);
    boolean smaller = split.length > 0 && split.length < whole.length;
    return smaller && Arrays.equals(unpack(split), onnx) ? split : whole;
  }

  /**
   * The file again, bit for bit.
   *
   * @throws IllegalArgumentException when the bytes are no such form, damaged or too large
   */
  public static byte[] unpack(byte[] packed) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(packed))) {
      if (in.readInt() != MAGIC) {
        throw new IllegalArgumentException("transfer form: it has another beginning");
      }
      int form = in.readUnsignedByte();
      int length = in.readInt();
      if (length < 0 || length > FILE_BYTES_MAX || (form != WHOLE && form != SPLIT)) {
        throw new IllegalArgumentException(
            "transfer form %d of %d bytes (expected: form 0 or 1, up to %d bytes)"
                .formatted(form, length, FILE_BYTES_MAX));
      }
      byte[] first = stream(in, length);
      byte[] file = form == WHOLE ? first : joined(first, in, length);
      if (file.length != length || in.available() > 0) {
        throw new IllegalArgumentException(
            "transfer form: %d bytes came out (expected: %d)".formatted(file.length, length));
      }
      return file;
    } catch (IOException e) {
      throw new IllegalArgumentException("transfer form: it is damaged: " + e.getMessage(), e);
    }
  }

  private static byte[] split(byte[] onnx) {
    try {
      ModelProto.Builder model = ModelProto.parseFrom(onnx).toBuilder();
      List<byte[]> parts = new ArrayList<>();
      parts.add(onnx);
      for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
        byte[] raw = tensor.getRawData().toByteArray();
        if (raw.length >= TENSOR_BYTES_MIN) {
          parts.add(fourBytes(tensor.getDataType()) ? planes(raw) : raw);
          tensor.setRawData(ByteString.EMPTY);
        }
      }
      parts.set(0, model.build().toByteArray());
      return streams(SPLIT, onnx.length, parts);
    } catch (InvalidProtocolBufferException e) {
      return new byte[0]; // not an ONNX file: it travels whole
    }
  }

  private static byte[] joined(byte[] skeleton, DataInputStream in, int length) throws IOException {
    ModelProto.Builder model = ModelProto.parseFrom(skeleton).toBuilder();
    for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
      if (tensor.hasRawData() && tensor.getRawData().isEmpty()) {
        byte[] raw = stream(in, length);
        tensor.setRawData(
            ByteString.copyFrom(fourBytes(tensor.getDataType()) ? together(raw) : raw));
      }
    }
    return model.build().toByteArray();
  }

  private static boolean fourBytes(int type) {
    return type == OnnxFile.FLOAT || type == OnnxFile.INT32;
  }

  private static byte[] planes(byte[] raw) {
    byte[] planes = new byte[raw.length];
    int count = raw.length / PLANES;
    for (int i = 0; i < raw.length; i++) {
      planes[i % PLANES * count + i / PLANES] = raw[i];
    }
    return planes;
  }

  private static byte[] together(byte[] planes) {
    byte[] raw = new byte[planes.length];
    int count = planes.length / PLANES;
    for (int i = 0; i < raw.length; i++) {
      raw[i] = planes[i % PLANES * count + i / PLANES];
    }
    return raw;
  }

  private static byte[] streams(int form, int length, List<byte[]> parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(MAGIC);
      out.writeByte(form);
      out.writeInt(length);
      for (byte[] part : parts) {
        byte[] deflated = deflated(part);
        out.writeInt(deflated.length);
        out.write(deflated);
      }
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  private static byte[] deflated(byte[] part) throws IOException {
    Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION);
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (DeflaterOutputStream out = new DeflaterOutputStream(bytes, deflater)) {
        out.write(part);
      }
      return bytes.toByteArray();
    } finally {
      deflater.end();
    }
  }

  private static byte[] stream(DataInputStream in, int bound) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > in.available()) {
      throw new IllegalArgumentException(
          "transfer form: a stream of %d bytes (expected: up to %d)"
              .formatted(length, in.available()));
    }
    byte[] deflated = in.readNBytes(length);
    try (InputStream inflated = new InflaterInputStream(new ByteArrayInputStream(deflated))) {
      byte[] part = inflated.readNBytes(bound);
      if (inflated.read() >= 0) {
        throw new IllegalArgumentException(
            "transfer form: a stream gives more than %d bytes".formatted(bound));
      }
      return part;
    }
  }
}
