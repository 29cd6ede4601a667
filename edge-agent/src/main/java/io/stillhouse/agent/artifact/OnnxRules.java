package io.stillhouse.agent.artifact;

import java.util.Set;

/**
 * What a model file may contain. The operators are those of feed-forward vision networks; each
 * gives an output whose size follows from its inputs' sizes. Left out on purpose are operators that
 * hold graphs ({@code If}, {@code Loop}, {@code Scan}), that make large tensors of small ones
 * ({@code Expand}, {@code Tile}, {@code ConstantOfShape}, {@code Range}, {@code Resize}, {@code
 * Pad}), and all that touch text, files or random numbers.
 */
final class OnnxRules {
  static final long IR_VERSION_MAX = 10;
  static final long OPSET_MIN = 7;
  static final long OPSET_MAX = 21;
  static final int NODES_MAX = 10_000;
  static final int TENSORS_MAX = 20_000;
  static final int VALUES_MAX = 20_000;
  static final int NODE_EDGES_MAX = 1_024;
  static final int ATTRIBUTES_MAX = 32;
  static final int LIST_ITEMS_MAX = 4_096;
  static final int TEXT_BYTES_MAX = 4_096;
  static final int DIMS_MAX = 8;

  /** Elements of one tensor: 256 MiB of float32. */
  static final long ELEMENTS_MAX = 1L << 26;

  /** Magnitude of an integer attribute; channel counts are the largest honest ones. */
  static final long ATTRIBUTE_MAX = 1 << 16;

  /** Padding makes output out of nothing, so it is held shorter. */
  static final long PADS_MAX = 256;

  static final Set<String> STANDARD =
      Set.of(
          "Add",
          "AveragePool",
          "BatchNormalization",
          "Cast",
          "Clip",
          "Concat",
          "Constant",
          "Conv",
          "ConvInteger",
          "DequantizeLinear",
          "Div",
          "Dropout",
          "DynamicQuantizeLinear",
          "Elu",
          "Flatten",
          "Gemm",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "HardSigmoid",
          "HardSwish",
          "Identity",
          "LeakyRelu",
          "LogSoftmax",
          "MatMul",
          "MatMulInteger",
          "MaxPool",
          "Mul",
          "PRelu",
          "QLinearConv",
          "QLinearMatMul",
          "QuantizeLinear",
          "ReduceMean",
          "Relu",
          "Reshape",
          "Sigmoid",
          "Slice",
          "Softmax",
          "Split",
          "Squeeze",
          "Sub",
          "Tanh",
          "Transpose",
          "Unsqueeze");

  static final Set<String> MICROSOFT =
      Set.of(
          "MatMulNBits",
          "QGemm",
          "QLinearAdd",
          "QLinearAveragePool",
          "QLinearConcat",
          "QLinearGlobalAveragePool",
          "QLinearLeakyRelu",
          "QLinearMul",
          "QLinearSigmoid",
          "QLinearSoftmax");

  private OnnxRules() {}

  static boolean allows(String domain, String operator) {
    return switch (domain) {
      case "", "ai.onnx" -> STANDARD.contains(operator);
      case "com.microsoft" -> MICROSOFT.contains(operator);
      default -> false;
    };
  }

  /** Bytes of one element, or 0 for a type that no model here needs. */
  static int elementBytes(long dataType) {
    return switch ((int) dataType) {
      case 1, 6, 12 -> 4; // float, int32, uint32
      case 2, 3, 9 -> 1; // uint8, int8, bool
      case 4, 5, 10 -> 2; // uint16, int16, float16
      case 7, 11, 13 -> 8; // int64, double, uint64
      default -> 0;
    };
  }
}
