package io.stillhouse.server.artifact;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.proto.model.v1.Budget;
import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Evaluation;
import io.stillhouse.proto.model.v1.Golden;
import io.stillhouse.proto.model.v1.GoldenExample;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.Precision;
import io.stillhouse.proto.model.v1.Preprocessing;
import io.stillhouse.proto.model.v1.Provenance;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.identity.ArtifactKey;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Map;

/**
 * Makes a signed artifact of a lab's model directory: {@code model.onnx} and, where there is one,
 * {@code model.onnx.stf}, {@code golden.safetensors}, {@code evaluation.json} and {@code
 * model.json} in; a variant of one hardware class out, its bytes in the store. Thread-safe.
 */
public final class ArtifactPackager {
  static final String MODEL_FILE = "model.onnx";
  static final String GOLDEN_FILE = "golden.bin";

  /** The runtime that the lab measured with; agents carry the same. */
  private static final String RUNTIME_MIN = "1.28.0";

  /**
   * Float kernels differ between processors in the order of their sums; a hundredth of a percent of
   * the largest logit is far above that and far below a wrong model.
   */
  private static final float FP32_TOLERANCE_RELATIVE = 1e-3f;

  private static final float FP32_ARGMAX_AGREEMENT_MIN = 0.9f;

  /**
   * Integer kernels round differently where a processor saturates (AVX2 without VNNI), by a few
   * steps of the output's scale.
   */
  private static final float INT8_TOLERANCE_RELATIVE = 0.25f;

  private static final float INT8_ARGMAX_AGREEMENT_MIN = 0.75f;

  private static final float TOLERANCE_FLOOR = 1e-4f;
  private static final JsonMapper MAPPER = new JsonMapper();

  private final ArtifactStore store;
  private final ArtifactKey key;
  private final ModelCatalogue models;
  private final InstantSource clock;

  public ArtifactPackager(
      ArtifactStore store, ArtifactKey key, ModelCatalogue models, InstantSource clock) {
    this.store = store;
    this.key = key;
    this.models = models;
    this.clock = clock;
  }

  /** For whom an artifact is made; its limits become the artifact's budget. */
  public record Target(VersionId version, HardwareClass hardwareClass, DeviceLimits limits) {}

  /**
   * Packages, signs and stores.
   *
   * @throws CoordinatorException when the directory is incomplete or malformed, or the store cannot
   *     be written
   */
  public Variant pack(Path modelDirectory, Target target) {
    try {
      JsonNode model = MAPPER.readTree(modelDirectory.resolve("model.json").toFile());
      JsonNode evaluation = MAPPER.readTree(modelDirectory.resolve("evaluation.json").toFile());
      GoldenTensors golden = GoldenTensors.read(modelDirectory.resolve("golden.safetensors"));
      Path onnx = modelDirectory.resolve(MODEL_FILE);
      Path packed = modelDirectory.resolve(MODEL_FILE + PackedFile.SUFFIX);
      Path goldenFile = Files.createTempFile("stillhouse-golden-", ".bin");
      try {
        Precision precision = precision(evaluation);
        Files.write(goldenFile, golden(golden, precision).toByteArray());
        long release = models.nextRelease(target.version().model());
        Manifest manifest =
            manifest(model, evaluation, target)
                .setReleaseCounter(release)
                .setPreprocessing(preprocessing(model, golden))
                .addFiles(modelFile(onnx, packed))
                .addFiles(ArtifactStore.describe(GOLDEN_FILE, goldenFile))
                .build();
        requireWithinBudget(manifest);
        Digest digest =
            store.put(
                sign(manifest),
                Map.of(
                    MODEL_FILE,
                    onnx,
                    MODEL_FILE + PackedFile.SUFFIX,
                    packed,
                    GOLDEN_FILE,
                    goldenFile));
        return new Variant(
            target.version(),
            target.hardwareClass().name(),
            digest,
            release,
            summary(manifest, evaluation));
      } finally {
        Files.deleteIfExists(goldenFile);
      }
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot package " + modelDirectory,
          e.getClass().getSimpleName() + ": " + e.getMessage(),
          "make the model again; its directory is incomplete or damaged",
          e);
    }
  }

  private static BundleFile modelFile(Path onnx, Path packed) throws IOException {
    BundleFile file = ArtifactStore.describe(MODEL_FILE, onnx);
    return Files.exists(packed)
        ? PackedFile.with(file, ArtifactStore.describe(MODEL_FILE, packed))
        : file;
  }

  private SignedManifest sign(Manifest manifest) {
    byte[] canonical = manifest.toByteArray();
    return SignedManifest.newBuilder()
        .setManifest(ByteString.copyFrom(canonical))
        .setSignature(ByteString.copyFrom(key.sign(canonical)))
        .setKeyId(key.keyId())
        .build();
  }

  private Manifest.Builder manifest(JsonNode model, JsonNode evaluation, Target target)
      throws IOException {
    Manifest.Builder manifest =
        Manifest.newBuilder()
            .setModel(target.version().model())
            .setVersion(target.version().version())
            .setHardwareClass(target.hardwareClass().name())
            .setPrecision(precision(evaluation))
            .setBudget(
                Budget.newBuilder()
                    .setLatencyP99MicrosMax(target.limits().latencyP99Max().toNanos() / 1_000)
                    .setMemoryBytesMax(target.limits().memoryBytesMax())
                    .setFileBytesMax(target.limits().fileBytesMax()))
            .setEvaluation(
                Evaluation.newBuilder()
                    .setAccuracy(evaluation.path("accuracy").asDouble())
                    .setParams(evaluation.path("params").asLong())
                    .setMacs(evaluation.path("macs").asLong())
                    .setActivationPeakBytes(evaluation.path("activationPeakBytes").asLong())
                    .setLatencyP50Micros(evaluation.path("latencyP50Micros").asLong()))
            .setProvenance(provenance(model.path("provenance")))
            .setNetwork(evaluation.path("network").asText(model.path("network").asText()))
            .setMinRuntime(RUNTIME_MIN)
            .setCreatedEpochMillis(clock.instant().toEpochMilli());
    JsonNode labels = model.path("labels");
    if (!labels.isArray() || labels.isEmpty()) {
      throw new IOException("model.json names no labels");
    }
    labels.forEach(label -> manifest.addLabels(label.asText()));
    return manifest;
  }

  private static Provenance provenance(JsonNode from) {
    JsonNode recipe = from.path("recipe");
    return Provenance.newBuilder()
        .setTeacherSha256(from.path("teacherSha256").asText())
        .setDatasetSha256(from.path("datasetSha256").asText())
        .setRecipeJson(
            recipe.isMissingNode() ? "" : recipe.isTextual() ? recipe.asText() : recipe.toString())
        .setSeed(from.path("seed").asLong())
        .setToolVersions(from.path("tools").toString())
        .build();
  }

  private static Preprocessing preprocessing(JsonNode model, GoldenTensors golden)
      throws IOException {
    Preprocessing.Builder made =
        Preprocessing.newBuilder()
            .setChannels(golden.inputShape().get(0))
            .setHeight(golden.inputShape().get(1))
            .setWidth(golden.inputShape().get(2));
    model.path("preprocessing").path("mean").forEach(m -> made.addMean((float) m.asDouble()));
    model.path("preprocessing").path("std").forEach(s -> made.addStd((float) s.asDouble()));
    if (made.getMeanCount() != made.getChannels() || made.getStdCount() != made.getChannels()) {
      throw new IOException(
          "model.json has %d means and %d deviations for %d channels"
              .formatted(made.getMeanCount(), made.getStdCount(), made.getChannels()));
    }
    return made.build();
  }

  private static Golden golden(GoldenTensors tensors, Precision precision) {
    boolean integer = precision == Precision.PRECISION_INT8;
    float relative = integer ? INT8_TOLERANCE_RELATIVE : FP32_TOLERANCE_RELATIVE;
    Golden.Builder golden =
        Golden.newBuilder()
            .setInputFloats(tensors.inputFloats())
            .setOutputFloats(tensors.outputFloats())
            .setToleranceAbs(Math.max(TOLERANCE_FLOOR, relative * tensors.outputScale()))
            .setArgmaxAgreementMin(integer ? INT8_ARGMAX_AGREEMENT_MIN : FP32_ARGMAX_AGREEMENT_MIN);
    for (int i = 0; i < tensors.inputs().size(); i++) {
      GoldenExample.Builder example = GoldenExample.newBuilder();
      for (float value : tensors.inputs().get(i)) {
        example.addInput(value);
      }
      for (float value : tensors.outputs().get(i)) {
        example.addOutput(value);
      }
      golden.addExamples(example);
    }
    return golden.build();
  }

  private static Precision precision(JsonNode evaluation) throws IOException {
    String name = evaluation.path("precision").asText().toUpperCase(Locale.ROOT);
    return switch (name) {
      case "FP32" -> Precision.PRECISION_FP32;
      case "FP16" -> Precision.PRECISION_FP16;
      case "INT8" -> Precision.PRECISION_INT8;
      default ->
          throw new IOException(
              "evaluation.json has precision '" + name + "' (expected: fp32, fp16 or int8)");
    };
  }

  private static void requireWithinBudget(Manifest manifest) throws IOException {
    long limit = manifest.getBudget().getFileBytesMax();
    long size = manifest.getFiles(0).getSizeBytes();
    if (limit > 0 && size > limit) {
      throw new IOException(
          "model.onnx has %d bytes, more than the class %s allows (%d)"
              .formatted(size, manifest.getHardwareClass(), limit));
    }
  }

  private static String summary(Manifest manifest, JsonNode evaluation) throws IOException {
    ObjectNode summary = MAPPER.createObjectNode();
    summary.put("network", manifest.getNetwork());
    summary.put("precision", manifest.getPrecision().name().substring("PRECISION_".length()));
    summary.put("fileBytes", manifest.getFiles(0).getSizeBytes());
    summary.put(
        "bundleBytes", manifest.getFilesList().stream().mapToLong(f -> f.getSizeBytes()).sum());
    summary.put("latencyP99MicrosMax", manifest.getBudget().getLatencyP99MicrosMax());
    summary.set("evaluation", evaluation);
    return MAPPER.writeValueAsString(summary);
  }
}
