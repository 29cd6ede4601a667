package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Memory;
import io.stillhouse.agent.reconcile.RefusalReason;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Decides whether a manifest is genuine and meant for this device. The order is fixed: nothing is
 * parsed before its signature holds, because a parser is the larger target.
 *
 * <p>Release counters: an offer below the floor of its logical model is refused, whoever makes it.
 * The floor rises only when a model is committed (see {@link Memory}), so an offer of the fallback
 * is never below it. Returning to older content takes a new signed release of the old bytes.
 *
 * <p>Immutable and thread-safe.
 */
public final class ManifestVerifier {
  private static final int KEY_ID_HEX_DIGITS = 16;
  private static final int SIGNATURE_BYTES = 64;
  private static final Pattern VERSION =
      Pattern.compile("(\\d{1,6})\\.(\\d{1,6})(?:\\.(\\d{1,6}))?.*");

  private final Map<String, PublicKey> keysById;
  private final DeviceTerms device;

  /**
   * Makes a verifier that trusts these keys.
   *
   * @param keysDer X.509 forms of Ed25519 public keys, from enrolment
   * @throws GeneralSecurityException when one of them is no Ed25519 key
   */
  public ManifestVerifier(List<byte[]> keysDer, DeviceTerms device)
      throws GeneralSecurityException {
    Map<String, PublicKey> keys = new LinkedHashMap<>();
    for (byte[] der : keysDer) {
      keys.put(
          Sha256.hex(der).substring(0, KEY_ID_HEX_DIGITS),
          KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der)));
    }
    this.keysById = Map.copyOf(keys);
    this.device = device;
  }

  /**
   * What this device is, as far as an offer has to respect it.
   *
   * @param hardwareClass what the coordinator derived; empty when it has not said yet
   * @param architecture "x86_64", "aarch64" or "armv7"; class names begin with it
   * @param runtimeVersion of ONNX Runtime
   * @param fileBytesMax granted to a model file; 0 = no limit but {@link #FILE_BYTES_MAX}
   */
  public record DeviceTerms(
      String hardwareClass, String architecture, String runtimeVersion, long fileBytesMax) {
    /** No model file is larger, whatever the operator grants. */
    public static final long FILE_BYTES_MAX = 512L << 20;

    /** Golden files are small: a few inputs with their outputs. */
    public static final long GOLDEN_BYTES_MAX = 32L << 20;
  }

  /** The same verifier for a device of another class. */
  public ManifestVerifier forClass(String hardwareClass) {
    return new ManifestVerifier(
        keysById,
        new DeviceTerms(
            hardwareClass, device.architecture(), device.runtimeVersion(), device.fileBytesMax()));
  }

  private ManifestVerifier(Map<String, PublicKey> keysById, DeviceTerms device) {
    this.keysById = keysById;
    this.device = device;
  }

  /**
   * Checks an offer whole.
   *
   * @param wanted the digest that the desired state names
   * @return the plan of a bundle that may be fetched
   */
  public BundlePlan accept(SignedBytes signed, Digest wanted, Memory memory)
      throws ArtifactRefusedException {
    BundlePlan plan = genuine(signed, wanted);
    checkRelease(plan, memory);
    checkClass(plan);
    checkRuntime(plan);
    checkSizes(plan);
    return plan;
  }

  /**
   * Checks what a bundle that was accepted once must still satisfy. Its class and sizes fitted when
   * it came; a device that has since been given other limits shall still be able to return to it.
   */
  public BundlePlan held(SignedBytes signed, Digest wanted, Memory memory)
      throws ArtifactRefusedException {
    BundlePlan plan = genuine(signed, wanted);
    checkRelease(plan, memory);
    return plan;
  }

  private BundlePlan genuine(SignedBytes signed, Digest wanted) throws ArtifactRefusedException {
    checkSignature(signed);
    Digest actual = ManifestMapper.digestOf(signed.manifest());
    if (!actual.equals(wanted)) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.BAD_DIGEST,
          "the manifest's digest is %s (expected: %s, as desired)"
              .formatted(actual.shortForm(), wanted.shortForm()));
    }
    return ManifestMapper.read(signed.manifest());
  }

  /** A genuine manifest of any digest, for when no record tells which one it should be. */
  BundlePlan genuine(SignedBytes signed) throws ArtifactRefusedException {
    checkSignature(signed);
    return ManifestMapper.read(signed.manifest());
  }

  private void checkSignature(SignedBytes signed) throws ArtifactRefusedException {
    PublicKey key = keysById.get(signed.keyId());
    if (key == null) {
      throw badSignature(
          "signed by key \"%.16s\", which this device does not know; enrol again if the"
                  .formatted(signed.keyId())
              + " coordinator's key was replaced");
    }
    byte[] signature = signed.signature();
    if (signature.length != SIGNATURE_BYTES) {
      throw badSignature(
          "a signature of %d bytes (expected: %d)".formatted(signature.length, SIGNATURE_BYTES));
    }
    try {
      Signature verifier = Signature.getInstance("Ed25519");
      verifier.initVerify(key);
      verifier.update(signed.manifest());
      if (!verifier.verify(signature)) {
        throw badSignature("the signature does not match the manifest");
      }
    } catch (GeneralSecurityException e) {
      throw badSignature("the signature cannot be checked: " + e.getMessage());
    }
  }

  private static void checkRelease(BundlePlan plan, Memory memory) throws ArtifactRefusedException {
    long floor = memory.floor(plan.release().model());
    if (plan.release().counter() < floor) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.OLD_RELEASE,
          "%s has release counter %d (expected: at least %d); release the old bytes anew to return"
                  .formatted(plan.release().model(), plan.release().counter(), floor)
              + " to them");
    }
  }

  private void checkClass(BundlePlan plan) throws ArtifactRefusedException {
    String offered = plan.terms().hardwareClass();
    // Without a word of the coordinator, the architecture is what this device knows about itself.
    boolean fits =
        device.hardwareClass().isEmpty()
            ? offered.startsWith(device.architecture() + "-")
            : offered.equals(device.hardwareClass());
    if (!fits) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.WRONG_CLASS,
          "made for class %s (expected: %s)"
              .formatted(
                  offered,
                  device.hardwareClass().isEmpty()
                      ? device.architecture() + "-*"
                      : device.hardwareClass()));
    }
  }

  private void checkRuntime(BundlePlan plan) throws ArtifactRefusedException {
    String least = plan.terms().minRuntime();
    if (least.isEmpty()) {
      return;
    }
    if (compareVersions(least, device.runtimeVersion()) > 0) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.WRONG_CLASS,
          "needs ONNX Runtime %s (this agent has: %s); update the agent"
              .formatted(least, device.runtimeVersion()));
    }
  }

  private void checkSizes(BundlePlan plan) throws ArtifactRefusedException {
    long granted =
        device.fileBytesMax() > 0
            ? Math.min(device.fileBytesMax(), DeviceTerms.FILE_BYTES_MAX)
            : DeviceTerms.FILE_BYTES_MAX;
    if (plan.terms().budget().fileBytesMax() > 0) {
      granted = Math.min(granted, plan.terms().budget().fileBytesMax());
    }
    checkSize(plan.file(BundlePlan.MODEL), granted);
    checkSize(plan.file(BundlePlan.GOLDEN), DeviceTerms.GOLDEN_BYTES_MAX);
  }

  private static void checkSize(FilePlan file, long bytesMax) throws ArtifactRefusedException {
    if (file.sizeBytes() > bytesMax) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.TOO_LARGE,
          "%s has %d bytes (expected: at most %d)"
              .formatted(file.name(), file.sizeBytes(), bytesMax));
    }
  }

  private static int compareVersions(String least, String have) throws ArtifactRefusedException {
    int[] a = version(least);
    int[] b = version(have);
    for (int i = 0; i < a.length; i++) {
      if (a[i] != b[i]) {
        return Integer.compare(a[i], b[i]);
      }
    }
    return 0;
  }

  private static int[] version(String text) throws ArtifactRefusedException {
    Matcher parts = VERSION.matcher(text);
    if (!parts.matches()) {
      throw ArtifactRefusedException.permanent(
          RefusalReason.MALFORMED,
          "runtime version \"%s\" (expected: like 1.28.0)".formatted(text));
    }
    String patch = parts.group(3);
    return List.of(parts.group(1), parts.group(2), patch == null ? "0" : patch).stream()
        .mapToInt(Integer::parseInt)
        .toArray();
  }

  private static ArtifactRefusedException badSignature(String detail) {
    return ArtifactRefusedException.permanent(RefusalReason.BAD_SIGNATURE, detail);
  }

  /** Ids of the trusted keys, for people. */
  public List<String> keyIds() {
    return new ArrayList<>(keysById.keySet());
  }
}
