package io.stillhouse.lab.export;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.lab.export.onnx.ModelProto;
import io.stillhouse.lab.export.onnx.TensorProto;
import java.util.List;

/**
 * Turns a good file into one that is wrong about everything: the rows of the last linear layer move
 * down by one, so class i gets the logit of class i - 1. Nothing else changes, neither speed nor
 * size nor a single activation range, which makes it the model that only live accuracy can catch.
 */
public final class ClassifierRotation {
  /** Tensors with one row or value per class; zero points are all alike and stay. */
  private static final List<String> PARTS =
      List.of(".weight", ".weight_q", ".weight_s", ".bias", ".bias_q", ".bias_s");

  private ClassifierRotation() {}

  /**
   * Rotates the layer {@code node} of a file that {@link OnnxExporter} wrote.
   *
   * @throws IllegalArgumentException when the file has no such layer
   */
  public static byte[] rotate(byte[] onnx, String node) {
    ModelProto.Builder model;
    try {
      model = ModelProto.parseFrom(onnx).toBuilder();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("the file is not an ONNX model", e);
    }
    int rotated = 0;
    for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
      if (PARTS.stream().anyMatch(part -> tensor.getName().equals(node + part))) {
        ByteString raw = tensor.getRawData();
        int row = raw.size() / Math.toIntExact(tensor.getDims(0));
        tensor.setRawData(
            raw.substring(raw.size() - row).concat(raw.substring(0, raw.size() - row)));
        rotated++;
      }
    }
    if (rotated == 0) {
      throw new IllegalArgumentException("the file has no layer named " + node);
    }
    return model.build().toByteArray();
  }

  /** The same rotation of plain values in {@code rows} rows. */
  public static float[] rotate(float[] values, int rows) {
    int row = values.length / rows;
    float[] rotated = new float[values.length];
    System.arraycopy(values, 0, rotated, row, values.length - row);
    System.arraycopy(values, values.length - row, rotated, 0, row);
    return rotated;
  }
}
