package io.stillhouse.server.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.proto.model.v1.Golden;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.Precision;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.storage.Database;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.StepClock;
import io.stillhouse.server.testing.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArtifactPackagerTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final StepClock clock = new StepClock();

  @SuppressWarnings("NullAway.Init")
  private Database database;

  @SuppressWarnings("NullAway.Init")
  private Pki pki;

  @SuppressWarnings("NullAway.Init")
  private ArtifactStore store;

  @SuppressWarnings("NullAway.Init")
  private ArtifactPackager packager;

  @BeforeEach
  void open() {
    database = Database.open(Database.Address.embedded(directory.resolve("db")));
    pki = Pki.open(directory.resolve("pki"), List.of(), clock, new SecureRandom());
    store = new ArtifactStore(directory.resolve("artifacts"));
    packager =
        new ArtifactPackager(store, pki.artifactKey(), new ModelCatalogue(database, clock), clock);
    new JobTable(database, clock, "me")
        .submitVersion(
            JobTable.Kind.TRAIN,
            "inspect",
            new Training("d", "n", 1, 1, 1),
            OptionalLong.empty(),
            id -> "{}");
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void a_packaged_model_is_signed_and_names_every_byte() throws Exception {
    Path model = ModelDirectory.write(directory.resolve("m"), 300_000, 3);
    Variant variant = packager.pack(model, target(400_000));

    SignedManifest signed = store.signedManifest(variant.digest()).orElseThrow();
    byte[] canonical = signed.getManifest().toByteArray();
    assertThat(pki.artifactKey().verifies(canonical, signed.getSignature().toByteArray())).isTrue();
    assertThat(signed.getKeyId()).isEqualTo(pki.artifactKey().keyId());
    assertThat(Digest.of(canonical)).isEqualTo(variant.digest());
    Manifest manifest = Manifest.parseFrom(canonical);
    assertThat(manifest.getLabelsList()).containsExactly("a", "b", "c");
    assertThat(manifest.getPrecision()).isEqualTo(Precision.PRECISION_INT8);
    assertThat(manifest.getBudget().getLatencyP99MicrosMax()).isEqualTo(20_000);
    assertThat(manifest.getFiles(0).getChunkSha256Count()).isEqualTo(2);
    assertThat(manifest.getProvenance().getRecipeJson()).isEqualTo("{\"seed\":7}");
    Golden golden = Golden.parseFrom(store.file(variant.digest(), "golden.bin").orElseThrow());
    assertThat(golden.getExamplesCount()).isEqualTo(ModelDirectory.EXAMPLES);
    assertThat(golden.getExamples(1).getInputList()).containsExactly(4f, 5f, 6f, 7f);
    assertThat(golden.getExamples(0).getOutputList()).containsExactly(8f, 9f, 10f);
    assertThat(variant.summaryJson()).contains("\"accuracy\":0.9").contains("\"fileBytes\":300000");
  }

  @Test
  void a_packed_form_beside_the_model_can_be_fetched_and_is_signed_with_it() throws Exception {
    Path model = ModelDirectory.write(directory.resolve("m"), 300_000, 3);
    byte[] packed = {1, 2, 3, 4, 5};
    Files.write(model.resolve("model.onnx.stf"), packed);
    Variant variant = packager.pack(model, target(400_000));
    Manifest manifest = store.manifest(variant.digest()).orElseThrow();
    assertThat(manifest.getFilesCount()).isEqualTo(2);
    assertThat(manifest.getFiles(0).getSizeBytes()).isEqualTo(300_000);
    assertThat(manifest.getFiles(0).getPacked().getCoding()).isEqualTo("stf1");
    assertThat(manifest.getFiles(0).getPacked().getSizeBytes()).isEqualTo(packed.length);
    assertThat(store.file(variant.digest(), "model.onnx.stf"))
        .contains(java.nio.ByteBuffer.wrap(packed));
    assertThat(store.file(variant.digest(), "golden.bin.stf")).isEmpty();
  }

  @Test
  void each_release_of_a_model_has_a_higher_counter() throws IOException {
    Path model = ModelDirectory.write(directory.resolve("m"), 10, 3);
    Variant first = packager.pack(model, target(0));
    Variant second = packager.pack(model, target(0));
    assertThat(second.releaseCounter()).isGreaterThan(first.releaseCounter());
    assertThat(second.digest()).isNotEqualTo(first.digest());
  }

  @Test
  void a_model_larger_than_its_class_allows_is_not_packaged() throws IOException {
    Path model = ModelDirectory.write(directory.resolve("m"), 300_000, 3);
    assertThatThrownBy(() -> packager.pack(model, target(200_000)))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("300000 bytes, more than the class");
  }

  @Test
  void damaged_golden_tensors_are_one_line_whatever_the_damage() throws IOException {
    Path model = ModelDirectory.write(directory.resolve("m"), 10, 3);
    Path golden = model.resolve("golden.safetensors");
    byte[] good = Files.readAllBytes(golden);
    Random random = new Random(17);
    for (int i = 0; i < 300; i++) {
      byte[] bad = java.util.Arrays.copyOf(good, random.nextInt(good.length));
      Files.write(golden, bad);
      assertThatThrownBy(() -> packager.pack(model, target(0)))
          .as("seed 17, case " + i)
          .isInstanceOf(CoordinatorException.class);
    }
    for (int i = 0; i < 300; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(140)] ^= (byte) (1 << random.nextInt(8));
      Files.write(golden, bad);
      try {
        packager.pack(model, target(0));
      } catch (CoordinatorException expected) {
        assertThat(expected.line()).as("seed 17, case " + i).doesNotContain("\n");
      }
    }
  }

  private static ArtifactPackager.Target target(long fileBytesMax) {
    return new ArtifactPackager.Target(
        new VersionId("inspect", 1),
        new HardwareClass("x86_64-avx2-t1"),
        new DeviceLimits(1, 1 << 26, fileBytesMax, Duration.ofMillis(20), true));
  }
}
