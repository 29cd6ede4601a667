package io.stillhouse.agent.hardware;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.agent.hardware.DeviceProfile.ProbeResult;
import io.stillhouse.agent.inference.ModelRefusedException;
import io.stillhouse.agent.inference.OnnxModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Times the probe models that the agent ships: single layers whose cost is known, from which the
 * coordinator predicts what a whole network will take here.
 *
 * <p>Bounded: each probe gets an equal share of the whole time, and a machine so slow that even the
 * least repetitions exceed it is left with fewer probes.
 */
final class ProbeSuite {
  private static final int WARM_UP_RUNS = 5;
  private static final int REPETITIONS_MIN = 9;
  private static final int REPETITIONS_MAX = 501;
  private static final int MODEL_BYTES_MAX = 4 << 20;
  private static final Duration TOTAL = Duration.ofMillis(1_600);
  private static final Duration TOTAL_MAX = Duration.ofSeconds(6);
  private static final String INDEX = "index.json";
  private static final Logger log = LoggerFactory.getLogger(ProbeSuite.class);

  private final String folder;
  private final LongSupplier nanoTicker;

  /**
   * @param folder class-path folder of the index, without a slash at its end
   */
  ProbeSuite(String folder, LongSupplier nanoTicker) {
    this.folder = folder;
    this.nanoTicker = nanoTicker;
  }

  /** SHA-256 of the index, which names the digest of every model: what a cached result is of. */
  String digest() throws IOException {
    return sha256(resource(INDEX));
  }

  /** Runs all probes, in the order of the index. */
  List<ProbeResult> run(int threads) throws IOException {
    ProbeModel.Line[] index =
        new ObjectMapper().readValue(resource(INDEX), ProbeModel.Line[].class);
    List<ProbeResult> results = new ArrayList<>();
    long startNanos = nanoTicker.getAsLong();
    long shareNanos = TOTAL.toNanos() / Math.max(1, index.length);
    for (ProbeModel.Line line : index) {
      if (nanoTicker.getAsLong() - startNanos > TOTAL_MAX.toNanos()) {
        log.warn(
            "The device is too slow for all probes: {} of {} ran", results.size(), index.length);
        break;
      }
      results.add(run(line.model(), threads, shareNanos));
    }
    return results;
  }

  private ProbeResult run(ProbeModel probe, int threads, long shareNanos) throws IOException {
    byte[] onnx = resource(probe.file());
    if (!sha256(onnx).equals(probe.sha256())) {
      throw new IOException("probe model %s is not the one of its index".formatted(probe.file()));
    }
    try (OnnxModel model = OnnxModel.open(onnx, threads)) {
      model.load(ramp(model.inputElements()));
      for (int i = 0; i < WARM_UP_RUNS; i++) {
        model.runLoaded();
      }
      return new ProbeResult(probe.layer(), probe.precision(), p50Micros(model, shareNanos));
    } catch (ModelRefusedException e) {
      throw new IOException("probe model %s does not run".formatted(probe.file()), e);
    }
  }

  private double p50Micros(OnnxModel model, long shareNanos) {
    long[] nanos = new long[REPETITIONS_MAX];
    int count = 0;
    long begin = nanoTicker.getAsLong();
    long before = begin;
    while (count < REPETITIONS_MAX && (count < REPETITIONS_MIN || before - begin < shareNanos)) {
      model.runLoaded();
      long after = nanoTicker.getAsLong();
      nanos[count++] = after - before;
      before = after;
    }
    Arrays.sort(nanos, 0, count);
    return nanos[count / 2] / 1e3;
  }

  /** Ordinary values; a blank image could meet shortcuts that real ones do not. */
  private static FloatBuffer ramp(int elements) {
    FloatBuffer image = FloatBuffer.allocate(elements);
    for (int i = 0; i < elements; i++) {
      image.put(i, i % 7 / 7f - 0.5f);
    }
    return image;
  }

  private byte[] resource(String name) throws IOException {
    try (InputStream in =
        ProbeSuite.class.getClassLoader().getResourceAsStream(folder + "/" + name)) {
      if (in == null) {
        throw new IOException("the agent ships no %s/%s".formatted(folder, name));
      }
      return in.readNBytes(MODEL_BYTES_MAX);
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
