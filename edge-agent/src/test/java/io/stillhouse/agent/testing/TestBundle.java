package io.stillhouse.agent.testing;

import com.google.protobuf.ByteString;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.artifact.Sha256;
import io.stillhouse.agent.artifact.SignedBytes;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.proto.model.v1.Budget;
import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Golden;
import io.stillhouse.proto.model.v1.GoldenExample;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.PackedForm;
import io.stillhouse.proto.model.v1.Precision;
import io.stillhouse.proto.model.v1.Preprocessing;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;

/** A whole bundle made in memory: a tiny model, its golden set, a signed manifest. */
public final class TestBundle {
  public static final String HARDWARE_CLASS = "x86_64-base-t1";
  public static final KeyPair KEYS = newKeys();

  /** Input of the tiny models: one channel, 4 x 4. */
  public static final int INPUTS = 16;

  public static final int CLASSES = 3;

  private final Map<String, byte[]> files = new TreeMap<>();
  private final byte[] manifest;
  private final byte[] signature;

  private TestBundle(Map<String, byte[]> files, Consumer<Manifest.Builder> change) {
    this.files.putAll(files);
    this.manifest = manifest(files, change).toByteArray();
    this.signature = sign(KEYS, manifest);
  }

  /** A sound bundle; different seeds give different models. */
  public static TestBundle sound(long seed) {
    return of(seed, 0, manifest -> {});
  }

  /** A bundle with a changed manifest, signed as it is. */
  public static TestBundle changed(long seed, Consumer<Manifest.Builder> change) {
    return of(seed, 0, change);
  }

  /** A bundle whose model file has at least so many bytes, in ballast that the runtime ignores. */
  public static TestBundle large(long seed, int ballastBytes) {
    return of(seed, ballastBytes, manifest -> {});
  }

  /** A bundle whose model file also has a packed form, of about a quarter of its bytes. */
  public static TestBundle packed(long seed, int ballastBytes) {
    Random random = new Random(seed);
    byte[] ballast = new byte[ballastBytes];
    for (int i = 0; i < ballastBytes; i++) {
      ballast[i] = (byte) random.nextInt(4);
    }
    Map<String, byte[]> files = new TreeMap<>(soundFiles(seed, ballast));
    byte[] model = ofFiles(files).file(BundlePlan.MODEL);
    files.put(BundlePlan.MODEL + FilePlan.PACKED_SUFFIX, TestPacking.pack(model, 6));
    return ofFiles(files);
  }

  /** A bundle with these files. */
  public static TestBundle ofFiles(Map<String, byte[]> files) {
    return ofFiles(files, manifest -> {});
  }

  /** A bundle with these files and a changed manifest, signed as it is. */
  public static TestBundle ofFiles(Map<String, byte[]> files, Consumer<Manifest.Builder> change) {
    return new TestBundle(files, change);
  }

  private static TestBundle of(long seed, int ballastBytes, Consumer<Manifest.Builder> change) {
    return new TestBundle(soundFiles(seed, ballastBytes), change);
  }

  /** Model and golden set that belong together. */
  public static Map<String, byte[]> soundFiles(long seed, int ballastBytes) {
    byte[] ballast = new byte[ballastBytes];
    new Random(~seed).nextBytes(ballast);
    return soundFiles(seed, ballast);
  }

  private static Map<String, byte[]> soundFiles(long seed, byte[] ballast) {
    Random random = new Random(seed);
    float[] weight = floats(random, INPUTS * CLASSES);
    float[] bias = floats(random, CLASSES);
    byte[] model = TinyOnnx.linear(1, 4, 4, weight, bias);
    if (ballast.length > 0) {
      byte[] padded =
          TinyOnnx.message(
              m -> {
                m.writeRawBytes(model);
                // doc_string: passed over by every reader
                m.writeByteArray(6, ballast);
              });
      return filesOf(padded, golden(random, weight, bias));
    }
    return filesOf(model, golden(random, weight, bias));
  }

  private static Map<String, byte[]> filesOf(byte[] model, byte[] golden) {
    Map<String, byte[]> files = new TreeMap<>();
    files.put(BundlePlan.MODEL, model);
    files.put(BundlePlan.GOLDEN, golden);
    return files;
  }

  private static byte[] golden(Random random, float[] weight, float[] bias) {
    Golden.Builder golden =
        Golden.newBuilder()
            .setInputFloats(INPUTS)
            .setOutputFloats(CLASSES)
            .setToleranceAbs(1e-3f)
            .setArgmaxAgreementMin(1);
    for (int e = 0; e < 4; e++) {
      float[] x = floats(random, INPUTS);
      GoldenExample.Builder example = GoldenExample.newBuilder();
      for (float value : x) {
        example.addInput(value);
      }
      for (int c = 0; c < CLASSES; c++) {
        float sum = bias[c];
        for (int i = 0; i < INPUTS; i++) {
          sum += x[i] * weight[i * CLASSES + c];
        }
        example.addOutput(sum);
      }
      golden.addExamples(example);
    }
    return golden.build().toByteArray();
  }

  private static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static Manifest manifest(Map<String, byte[]> files, Consumer<Manifest.Builder> change) {
    Manifest.Builder manifest =
        Manifest.newBuilder()
            .setModel("inspect")
            .setVersion(1)
            .setHardwareClass(HARDWARE_CLASS)
            .setReleaseCounter(5)
            .addAllLabels(List.of("good", "scratch", "dent"))
            .setPreprocessing(
                Preprocessing.newBuilder()
                    .setChannels(1)
                    .setHeight(4)
                    .setWidth(4)
                    .addMean(0.5f)
                    .addStd(0.25f))
            .setPrecision(Precision.PRECISION_FP32)
            .setBudget(Budget.newBuilder().setLatencyP99MicrosMax(5_000_000))
            .setNetwork("tiny linear")
            .setMinRuntime("1.20.0")
            .setCreatedEpochMillis(1_700_000_000_000L);
    files.forEach(
        (name, bytes) -> {
          byte[] packed = files.get(name + FilePlan.PACKED_SUFFIX);
          if (!name.endsWith(FilePlan.PACKED_SUFFIX)) {
            manifest.addFiles(
                packed == null ? describe(name, bytes) : packed(describe(name, bytes), packed));
          }
        });
    change.accept(manifest);
    return manifest.build();
  }

  /** A file as a manifest describes it. */
  public static BundleFile describe(String name, byte[] bytes) {
    BundleFile.Builder file =
        BundleFile.newBuilder().setPath(name).setSizeBytes(bytes.length).setSha256(sha(bytes));
    for (byte[] chunk : split(bytes)) {
      file.addChunkSha256(sha(chunk));
    }
    return file.build();
  }

  private static BundleFile packed(BundleFile file, byte[] packed) {
    BundleFile form = describe(file.getPath() + FilePlan.PACKED_SUFFIX, packed);
    return file.toBuilder()
        .setPacked(
            PackedForm.newBuilder()
                .setCoding("stf1")
                .setSizeBytes(form.getSizeBytes())
                .setSha256(form.getSha256())
                .addAllChunkSha256(form.getChunkSha256List()))
        .build();
  }

  private static ByteString sha(byte[] bytes) {
    return ByteString.copyFrom(HexFormat.of().parseHex(Sha256.hex(bytes)));
  }

  private static List<byte[]> split(byte[] bytes) {
    List<byte[]> chunks = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += FilePlan.CHUNK_BYTES) {
      chunks.add(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + FilePlan.CHUNK_BYTES)));
    }
    return chunks;
  }

  /** The chunks of one file. */
  public List<byte[]> chunks(String name) {
    return split(file(name));
  }

  public byte[] file(String name) {
    byte[] bytes = files.get(name);
    if (bytes == null) {
      throw new IllegalArgumentException(name);
    }
    return bytes;
  }

  public byte[] manifest() {
    return manifest.clone();
  }

  public SignedBytes signed() {
    return new SignedBytes(manifest, signature, keyId(KEYS));
  }

  public Digest digest() {
    return new Digest(Sha256.hex(manifest));
  }

  public static KeyPair newKeys() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  public static String keyId(KeyPair keys) {
    return Sha256.hex(keys.getPublic().getEncoded()).substring(0, 16);
  }

  public static byte[] sign(KeyPair keys, byte[] bytes) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(keys.getPrivate());
      signature.update(bytes);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }
}
