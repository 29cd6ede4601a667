package io.stillhouse.lab.evaluate;

import io.stillhouse.model.Precision;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What was measured of one model on the machine that made it; facts, never predictions.
 *
 * @param network the family it is of, or the file's name where only a file is known
 * @param accuracy share of the test images whose arg-max is the label
 */
public record Evaluation(
    String network, Precision precision, double accuracy, Size size, Speed speed) {

  /**
   * How large it is.
   *
   * @param params trainable values; of a bare file, those of its folded layers
   * @param macs multiply-accumulates of convolution and linear layers for one image
   * @param wireBytes what a device downloads: the file's transfer form, or the file where that
   *     saves nothing
   * @param activationPeakBytes most bytes of feature maps alive at once, by liveness; 0 where only
   *     a file is known
   */
  public record Size(
      long params, long macs, long fileBytes, long wireBytes, long activationPeakBytes) {}

  /**
   * How it runs here, one thread.
   *
   * @param peakMemoryBytes growth of a process that loads and runs it; 0 where not measurable
   */
  public record Speed(long latencyP50Micros, long latencyP99Micros, long peakMemoryBytes) {}

  /** The flat form that files and commands show. */
  public Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("network", network);
    fields.put("precision", precision.name().toLowerCase(Locale.ROOT));
    fields.put("accuracy", accuracy);
    fields.put("params", size.params);
    fields.put("macs", size.macs);
    fields.put("fileBytes", size.fileBytes);
    fields.put("wireBytes", size.wireBytes);
    fields.put("latencyP50Micros", speed.latencyP50Micros);
    fields.put("latencyP99Micros", speed.latencyP99Micros);
    fields.put("peakMemoryBytes", speed.peakMemoryBytes);
    fields.put("activationPeakBytes", size.activationPeakBytes);
    return fields;
  }
}
