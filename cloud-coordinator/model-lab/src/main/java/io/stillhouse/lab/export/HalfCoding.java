package io.stillhouse.lab.export;

import io.stillhouse.model.graph.Node;

/**
 * Multiplied weights in half precision, behind a cast that the runtime carries out once, when it
 * loads the file. Arithmetic is that of float32, so neither speed nor memory in use change.
 */
final class HalfCoding extends StoredWeightCoding {
  HalfCoding(OnnxFile file) {
    super(file);
  }

  @Override
  public String weight(Node node, float[] values, int... dims) {
    short[] halves = new short[values.length];
    for (int i = 0; i < halves.length; i++) {
      halves[i] = Half.of(values[i]);
    }
    String name = node.name() + ".weight";
    return cast(name, file().halves(name + "_h", halves, dims), OnnxFile.FLOAT);
  }
}
