package io.stillhouse.lab.export;

import io.stillhouse.model.graph.Node;
import java.util.List;

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
  public String padded(String output, String input, long... pads) {
    return file.node("Pad", output, List.of(input, file.longs(output + "_pads", pads)));
  }

  @Override
  public String hardSigmoid(String output, String input) {
    return file.node(
        "HardSigmoid",
        output,
        List.of(input),
        OnnxFile.attribute("alpha", 1f / 6f),
        OnnxFile.attribute("beta", 0.5f));
  }

  @Override
  public String gate(Node node, String tensor) {
    return tensor;
  }
}
