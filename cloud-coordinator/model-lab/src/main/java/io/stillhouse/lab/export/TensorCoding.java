package io.stillhouse.lab.export;

import io.stillhouse.model.graph.Node;

/**
 * How numbers are written into an ONNX file. The lowering asks it for every weight and hands it
 * every result; each method returns the name of the float tensor that the next node reads.
 */
interface TensorCoding {

  /** What {@code node} multiplies, given the tensor that its input's result became. */
  default String read(Node node, String tensor) {
    return tensor;
  }

  /** The multiplied weight of {@code node}, output channels first. */
  String weight(Node node, float[] values, int... dims);

  /** The bias of {@code node}, whose already coded input is {@code input}. */
  String bias(Node node, float[] values, String input);

  /** The result of {@code node}. */
  String result(Node node, String tensor);

  /** The result of a node that only moves or selects values of {@code input}. */
  String moved(Node node, String tensor, String input);

  /** {@code input} with further values of zero; {@code pads} in the order of ONNX. */
  String padded(String output, String input, long... pads);

  /** max(0, min(1, x / 6 + 1 / 2)) of the already coded {@code input}, as in MobileNetV3. */
  String hardSigmoid(String output, String input);

  /** A helper tensor of {@code node} whose values lie between 0 and 1. */
  String gate(Node node, String tensor);
}
