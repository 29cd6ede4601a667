package io.stillhouse.agent.hardware;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.stillhouse.agent.hardware.DeviceProfile.Layer;
import io.stillhouse.agent.inference.Precision;

/**
 * One line of the index of probe models.
 *
 * @param file name of the ONNX resource beside the index
 * @param sha256 of that file, lower-case hex
 */
record ProbeModel(String file, Precision precision, String sha256, Layer layer) {
  /** The line as it stands in the file. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Line(
      String file,
      String kernel,
      Precision precision,
      long macs,
      long outputBytes,
      String shape,
      String sha256) {
    ProbeModel model() {
      return new ProbeModel(file, precision, sha256, new Layer(kernel, macs, outputBytes, shape));
    }
  }
}
