package io.stillhouse.agent.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.stillhouse.agent.artifact.ManifestVerifier.DeviceTerms;
import io.stillhouse.agent.reconcile.Memory;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.proto.model.v1.Manifest;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ManifestVerifierTest {
  private final ManifestVerifier verifier = verifier(TestBundle.HARDWARE_CLASS);

  static ManifestVerifier verifier(String hardwareClass) {
    try {
      return new ManifestVerifier(
          List.of(TestBundle.KEYS.getPublic().getEncoded()),
          new DeviceTerms(hardwareClass, "x86_64", "1.28.0", 4 << 20));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private void refused(TestBundle bundle, Memory memory, RefusalReason reason, String part) {
    assertThatThrownBy(() -> verifier.accept(bundle.signed(), bundle.digest(), memory))
        .isInstanceOfSatisfying(
            ArtifactRefusedException.class,
            e -> {
              assertThat(e.refusal().reason()).isEqualTo(reason);
              assertThat(e.refusal().detail()).contains(part).doesNotContain("\n");
              assertThat(e.refusal().retryable()).isFalse();
            });
  }

  private void refused(Consumer<Manifest.Builder> change, RefusalReason reason, String part) {
    refused(TestBundle.changed(1, change), Memory.EMPTY, reason, part);
  }

  @Test
  void a_genuine_manifest_for_this_device_is_accepted() throws ArtifactRefusedException {
    TestBundle bundle = TestBundle.sound(1);
    BundlePlan plan = verifier.accept(bundle.signed(), bundle.digest(), Memory.EMPTY);
    assertThat(plan.digest()).isEqualTo(bundle.digest());
    assertThat(plan.release().model()).isEqualTo("inspect");
    assertThat(plan.facts().input().floats()).isEqualTo(TestBundle.INPUTS);
    assertThat(plan.file(BundlePlan.MODEL).sizeBytes())
        .isEqualTo(bundle.file(BundlePlan.MODEL).length);
  }

  @Test
  void a_manifest_signed_by_a_stranger_is_refused_even_under_a_known_key_id() {
    TestBundle bundle = TestBundle.sound(1);
    KeyPair stranger = TestBundle.newKeys();
    byte[] forged = TestBundle.sign(stranger, bundle.manifest());
    for (String id : List.of(TestBundle.keyId(stranger), TestBundle.keyId(TestBundle.KEYS), "")) {
      assertThatThrownBy(
              () ->
                  verifier.accept(
                      new SignedBytes(bundle.manifest(), forged, id),
                      bundle.digest(),
                      Memory.EMPTY))
          .isInstanceOfSatisfying(
              ArtifactRefusedException.class,
              e -> assertThat(e.refusal().reason()).isEqualTo(RefusalReason.BAD_SIGNATURE));
    }
  }

  @Test
  void a_genuine_manifest_of_another_artifact_is_refused() {
    TestBundle wanted = TestBundle.sound(1);
    TestBundle other = TestBundle.sound(2);
    assertThatThrownBy(() -> verifier.accept(other.signed(), wanted.digest(), Memory.EMPTY))
        .isInstanceOfSatisfying(
            ArtifactRefusedException.class,
            e -> assertThat(e.refusal().reason()).isEqualTo(RefusalReason.BAD_DIGEST));
  }

  @Test
  void a_release_below_the_floor_is_refused_and_one_at_the_floor_is_not()
      throws ArtifactRefusedException {
    TestBundle bundle = TestBundle.changed(1, m -> m.setReleaseCounter(5));
    refused(
        bundle,
        new Memory(List.of(), Map.of("inspect", 6L)),
        RefusalReason.OLD_RELEASE,
        "at least 6");
    verifier.accept(bundle.signed(), bundle.digest(), new Memory(List.of(), Map.of("inspect", 5L)));
    verifier.accept(bundle.signed(), bundle.digest(), new Memory(List.of(), Map.of("sort", 99L)));
  }

  @Test
  void an_artifact_for_another_class_runtime_or_size_is_refused() {
    refused(m -> m.setHardwareClass("aarch64-base-t4"), RefusalReason.WRONG_CLASS, "aarch64");
    refused(m -> m.setMinRuntime("1.28.1"), RefusalReason.WRONG_CLASS, "update the agent");
    refused(m -> m.setMinRuntime("2.0"), RefusalReason.WRONG_CLASS, "2.0");
    refused(m -> m.setMinRuntime("newest"), RefusalReason.MALFORMED, "newest");
    TestBundle large = TestBundle.large(1, 5 << 20);
    refused(large, Memory.EMPTY, RefusalReason.TOO_LARGE, "model.onnx");
  }

  @Test
  void without_a_word_of_the_coordinator_the_architecture_must_fit()
      throws ArtifactRefusedException {
    ManifestVerifier unsure = verifier("");
    TestBundle fits = TestBundle.sound(1);
    unsure.accept(fits.signed(), fits.digest(), Memory.EMPTY);
    TestBundle other = TestBundle.changed(1, m -> m.setHardwareClass("aarch64-base-t4"));
    assertThatThrownBy(() -> unsure.accept(other.signed(), other.digest(), Memory.EMPTY))
        .hasMessageContaining("x86_64-*");
  }

  @Test
  void a_signed_manifest_without_the_right_form_is_refused_with_the_field_named() {
    refused(m -> m.clearFiles(), RefusalReason.MALFORMED, "0 files");
    refused(m -> m.setFiles(0, m.getFiles(1)), RefusalReason.MALFORMED, "once");
    refused(
        m -> m.setFiles(0, m.getFiles(0).toBuilder().setPath("../../etc/passwd")),
        RefusalReason.MALFORMED,
        "passwd");
    refused(
        m -> m.setFiles(0, m.getFiles(0).toBuilder().setSizeBytes(-1)),
        RefusalReason.MALFORMED,
        "-1 bytes");
    refused(
        m -> m.setFiles(0, m.getFiles(0).toBuilder().setSizeBytes(1L << 60)),
        RefusalReason.MALFORMED,
        "chunk digests");
    refused(
        m ->
            m.setFiles(
                0, m.getFiles(0).toBuilder().setChunkSha256(0, ByteString.copyFrom(new byte[31]))),
        RefusalReason.MALFORMED,
        "31 bytes");
    refused(m -> m.clearLabels(), RefusalReason.MALFORMED, "labels");
    refused(m -> m.getPreprocessingBuilder().setStd(0, 0f), RefusalReason.MALFORMED, "deviation");
    refused(m -> m.getPreprocessingBuilder().setHeight(1 << 20), RefusalReason.MALFORMED, "input");
    refused(m -> m.setReleaseCounter(-3), RefusalReason.MALFORMED, "-3");
    refused(m -> m.setModel("x".repeat(300)), RefusalReason.MALFORMED, "300 characters");
    refused(m -> m.clearPrecision(), RefusalReason.MALFORMED, "precision");
  }

  @Test
  void ten_thousand_corruptions_of_a_signed_manifest_are_all_refused() {
    TestBundle bundle = TestBundle.sound(1);
    SignedBytes signed = bundle.signed();
    for (long seed = 0; seed < 10_000; seed++) {
      Random random = new Random(seed);
      boolean manifestToo = random.nextInt(3) > 0;
      byte[] manifest = manifestToo ? Corruption.of(signed.manifest(), random) : signed.manifest();
      byte[] signature =
          !manifestToo || random.nextBoolean()
              ? Corruption.of(signed.signature(), random)
              : signed.signature();
      if (Arrays.equals(manifest, signed.manifest())
          && Arrays.equals(signature, signed.signature())) {
        continue;
      }
      SignedBytes damaged = new SignedBytes(manifest, signature, signed.keyId());
      assertThatThrownBy(() -> verifier.accept(damaged, bundle.digest(), Memory.EMPTY))
          .as("seed %d", seed)
          .isInstanceOf(ArtifactRefusedException.class);
    }
  }

  @Test
  void ten_thousand_corruptions_that_somehow_carry_a_good_signature_never_crash_the_reader() {
    byte[] manifest = TestBundle.sound(1).manifest();
    for (long seed = 0; seed < 10_000; seed++) {
      byte[] bytes = Corruption.of(manifest, new Random(seed));
      try {
        ManifestMapper.read(bytes);
      } catch (ArtifactRefusedException e) {
        assertThat(e.refusal().reason()).as("seed %d", seed).isEqualTo(RefusalReason.MALFORMED);
      }
    }
  }
}
