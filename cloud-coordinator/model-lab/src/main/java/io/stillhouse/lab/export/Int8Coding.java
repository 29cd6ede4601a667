package io.stillhouse.lab.export;

import static io.stillhouse.lab.export.OnnxFile.INT8;
import static io.stillhouse.lab.export.OnnxFile.UINT8;

import io.stillhouse.lab.export.ActivationRanges.Range;
import io.stillhouse.model.graph.Node;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Quantize-dequantize form: activations uint8 and asymmetric per tensor, weights int8 symmetric per
 * output channel, biases int32 at the product of both scales.
 *
 * <p>Why so: with uint8 the zero point after ReLU is 0, the one case in which the runtime folds the
 * activation into the quantization step and runs the whole layer in integers, on x86 and ARM alike.
 */
final class Int8Coding implements TensorCoding {
  private static final int WEIGHT_MAX = 127;
  private static final float SCALE_MIN = 1e-8f;

  /** Biases are kept this far below the int32 limit, so that the accumulator has room. */
  private static final double BIAS_MAX = 1 << 30;

  private final OnnxFile file;
  private final ActivationRanges ranges;
  private final QuantizationPoints points;

  /** Scale and zero point by the name of the dequantized tensor. */
  private final Map<String, Coded> coded = new HashMap<>();

  /** The tensor before quantization by the name of the dequantized one. */
  private final Map<String, String> sources = new HashMap<>();

  /**
   * @param whole name of the 8-bit tensor
   */
  private record Coded(float scale, String scaleName, String zeroName, String whole) {}

  /** A weight waits here for its bias, which may ask for a coarser scale. */
  private static final class PendingWeight {
    final float[] values;
    final int[] dims;

    PendingWeight(float[] values, int[] dims) {
      this.values = values;
      this.dims = dims;
    }
  }

  private final Map<String, PendingWeight> pending = new HashMap<>();

  Int8Coding(OnnxFile file, ActivationRanges ranges, QuantizationPoints points) {
    this.file = file;
    this.ranges = ranges;
    this.points = points;
  }

  /** A layer in float32 reads what its input was before it was quantized. */
  @Override
  public String read(Node node, String tensor) {
    return points.keepsFloat(node) ? sources.getOrDefault(tensor, tensor) : tensor;
  }

  @Override
  public String weight(Node node, float[] values, int... dims) {
    if (points.keepsFloat(node)) {
      return file.floats(node.name() + ".weight", values, dims);
    }
    pending.put(node.name(), new PendingWeight(values, dims));
    return node.name() + ".weight";
  }

  @Override
  public String bias(Node node, float[] values, String input) {
    if (points.keepsFloat(node)) {
      return file.floats(node.name() + ".bias", values, values.length);
    }
    PendingWeight weight = pending.remove(node.name());
    if (weight == null) {
      throw new IllegalStateException("the weight of " + node.name() + " comes before its bias");
    }
    float inputScale = codedAs(input).scale;
    float[] weightScales = channelScales(weight.values, values, inputScale);
    writeWeight(node.name() + ".weight", weight, weightScales);
    String name = node.name() + ".bias";
    int channels = values.length;
    float[] scales = new float[channels];
    int[] whole = new int[channels];
    for (int c = 0; c < channels; c++) {
      scales[c] = inputScale * weightScales[c];
      whole[c] = Math.round(values[c] / scales[c]);
    }
    return file.node(
        "DequantizeLinear",
        name,
        List.of(
            file.ints(name + "_q", whole, channels),
            file.floats(name + "_s", scales, channels),
            file.ints(name + "_z", new int[channels], channels)),
        OnnxFile.attribute("axis", 0L));
  }

  @Override
  public String result(Node node, String tensor) {
    return points.quantizes(node) ? pair(tensor, ranges.of(node.name())) : tensor;
  }

  @Override
  public String moved(Node node, String tensor, String input) {
    return points.isOutput(node) ? tensor : pair(tensor, codedAs(input));
  }

  /** Padded in 8 bits, because the runtime pads no dequantized tensor in integers. */
  @Override
  public String padded(String output, String input, long... pads) {
    Coded as = codedAs(input);
    String whole =
        file.node(
            "Pad",
            output + "_q",
            List.of(as.whole, file.longs(output + "_pads", pads), as.zeroName));
    return dequantized(output, new Coded(as.scale, as.scaleName, as.zeroName, whole));
  }

  /**
   * As x + 3, quantized over [0, 6] and read over [0, 1]: quantization saturates, which is the
   * clamp, and the two scales are the division. The runtime adds in integers but has no integer
   * hard sigmoid.
   */
  @Override
  public String hardSigmoid(String output, String input) {
    String three =
        file.node(
            "DequantizeLinear",
            output + "_three",
            List.of(
                file.bytes(output + "_three_q", UINT8, new byte[] {(byte) 255}),
                file.floats(output + "_three_s", new float[] {3f / 255f}),
                file.bytes(output + "_three_z", UINT8, new byte[1])));
    String sum = file.node("Add", output, List.of(input, three));
    String zero = file.bytes(output + "_z", UINT8, new byte[1]);
    String six = file.floats(output + "_six_s", new float[] {6f / 255f});
    String whole = file.node("QuantizeLinear", output + "_q", List.of(sum, six, zero));
    float scale = 1f / 255f;
    String one = file.floats(output + "_s", new float[] {scale});
    return dequantized(output, new Coded(scale, one, zero, whole));
  }

  @Override
  public String gate(Node node, String tensor) {
    return pair(tensor, new Range(0, 1));
  }

  private String pair(String tensor, Range range) {
    float scale = Math.max(SCALE_MIN, (range.high() - range.low()) / 255f);
    int zero = Math.max(0, Math.min(255, Math.round(-range.low() / scale)));
    return pair(
        tensor,
        new Coded(
            scale,
            file.floats(tensor + "_s", new float[] {scale}),
            file.bytes(tensor + "_z", UINT8, new byte[] {(byte) zero}),
            ""));
  }

  /** Quantizes and dequantizes {@code tensor} with scale and zero point of {@code as}. */
  private String pair(String tensor, Coded as) {
    String whole =
        file.node("QuantizeLinear", tensor + "_q", List.of(tensor, as.scaleName, as.zeroName));
    String back = dequantized(tensor, new Coded(as.scale, as.scaleName, as.zeroName, whole));
    sources.put(back, tensor);
    return back;
  }

  private String dequantized(String tensor, Coded as) {
    String back =
        file.node("DequantizeLinear", tensor + "_dq", List.of(as.whole, as.scaleName, as.zeroName));
    coded.put(back, as);
    return back;
  }

  private Coded codedAs(String tensor) {
    Coded as = coded.get(tensor);
    if (as == null) {
      throw new IllegalArgumentException(
          tensor
              + " is not quantized, so an int8 layer cannot read it"
              + " (expected: batch normalisation only directly behind convolutions)");
    }
    return as;
  }

  /**
   * Largest absolute weight of each channel over 127. A channel of (almost) zero weights with a
   * real bias gets the coarser scale at which that bias still fits into int32.
   */
  static float[] channelScales(float[] weight, float[] bias, float inputScale) {
    int channels = bias.length;
    int each = weight.length / channels;
    float[] scales = new float[channels];
    for (int c = 0; c < channels; c++) {
      float largest = 0;
      for (int i = c * each; i < (c + 1) * each; i++) {
        largest = Math.max(largest, Math.abs(weight[i]));
      }
      double forBias = Math.abs(bias[c]) / (inputScale * BIAS_MAX);
      scales[c] = (float) Math.max(Math.max(SCALE_MIN, largest / WEIGHT_MAX), forBias);
    }
    return scales;
  }

  private void writeWeight(String name, PendingWeight weight, float[] scales) {
    int channels = scales.length;
    int each = weight.values.length / channels;
    byte[] whole = new byte[weight.values.length];
    for (int i = 0; i < whole.length; i++) {
      whole[i] = (byte) Math.round(weight.values[i] / scales[i / each]);
    }
    file.node(
        "DequantizeLinear",
        name,
        List.of(
            file.bytes(name + "_q", INT8, whole, weight.dims),
            file.floats(name + "_s", scales, channels),
            file.bytes(name + "_z", INT8, new byte[channels], channels)),
        OnnxFile.attribute("axis", 0L));
  }
}
