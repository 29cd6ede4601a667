package io.stillhouse.lab.export;

import io.stillhouse.model.graph.Node;

/** Plain float32. */
class FloatCoding implements TensorCoding {
  private final OnnxFile file;

  FloatCoding(OnnxFile file) {
    this.file = file;
  }

  @Override
  public String weight(Node node, float[] values, int... dims) {
    return file.floats(node.name() + ".weight", values, dims);
  }

  @Override
  public String bias(Node node, float[] values, String input) {
    return file.floats(node.name() + ".bias", values, values.length);
  }

  @Override
  public String result(Node node, String tensor) {
    return tensor;
  }

  @Override
  public String moved(Node node, String tensor, String input) {
    return tensor;
  }

  @Override
  public String gate(Node node, String tensor) {
    return tensor;
  }
}
