package io.stillhouse.lab.export;

import com.google.protobuf.ByteString;
import io.stillhouse.lab.export.onnx.AttributeProto;
import io.stillhouse.lab.export.onnx.GraphProto;
import io.stillhouse.lab.export.onnx.ModelProto;
import io.stillhouse.lab.export.onnx.NodeProto;
import io.stillhouse.lab.export.onnx.OperatorSetIdProto;
import io.stillhouse.lab.export.onnx.TensorProto;
import io.stillhouse.lab.export.onnx.TensorShapeProto;
import io.stillhouse.lab.export.onnx.TypeProto;
import io.stillhouse.lab.export.onnx.ValueInfoProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** A growing ONNX graph: opset 13, IR version 7, raw little-endian tensors. Not thread-safe. */
final class OnnxFile {
  static final int FLOAT = 1;
  static final int UINT8 = 2;
  static final int INT8 = 3;
  static final int INT32 = 6;
  static final int INT64 = 7;
  static final int FLOAT16 = 10;

  private static final int IR_VERSION = 7;
  private static final int OPSET = 13;

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("stillhouse");

  String floats(String name, float[] values, int... dims) {
    ByteBuffer raw = little(4 * values.length);
    for (float value : values) {
      raw.putFloat(value);
    }
    return initializer(name, FLOAT, raw, dims);
  }

  String ints(String name, int[] values, int... dims) {
    ByteBuffer raw = little(4 * values.length);
    for (int value : values) {
      raw.putInt(value);
    }
    return initializer(name, INT32, raw, dims);
  }

  String longs(String name, long... values) {
    ByteBuffer raw = little(8 * values.length);
    for (long value : values) {
      raw.putLong(value);
    }
    return initializer(name, INT64, raw, values.length);
  }

  /** IEEE half precision, by bit pattern. */
  String halves(String name, short[] patterns, int... dims) {
    ByteBuffer raw = little(2 * patterns.length);
    for (short pattern : patterns) {
      raw.putShort(pattern);
    }
    return initializer(name, FLOAT16, raw, dims);
  }

  /** 8-bit values of {@link #UINT8} or {@link #INT8}. */
  String bytes(String name, int type, byte[] values, int... dims) {
    return initializer(name, type, ByteBuffer.wrap(values), dims);
  }

  /** Appends a node with one output and returns that output's name. */
  String node(String op, String output, List<String> inputs, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(op)
            .setName(output)
            .addAllInput(inputs)
            .addOutput(output)
            .addAllAttribute(List.of(attributes)));
    return output;
  }

  void input(String name, int... dims) {
    graph.addInput(value(name, dims));
  }

  void output(String name, int... dims) {
    graph.addOutput(value(name, dims));
  }

  /** A further output whose shape follows from the graph. */
  void output(String name) {
    graph.addOutput(
        ValueInfoProto.newBuilder()
            .setName(name)
            .setType(
                TypeProto.newBuilder()
                    .setTensorType(TypeProto.Tensor.newBuilder().setElemType(FLOAT))));
  }

  byte[] toBytes() {
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("stillhouse")
        .setGraph(graph)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .build()
        .toByteArray();
  }

  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  static AttributeProto attributes(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  private String initializer(String name, int type, ByteBuffer raw, int... dims) {
    raw.rewind();
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type)
            .setRawData(ByteString.copyFrom(raw));
    for (int dim : dims) {
      tensor.addDims(dim);
    }
    graph.addInitializer(tensor);
    return name;
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ValueInfoProto value(String name, int... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (int dim : dims) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dim));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(FLOAT).setShape(shape)))
        .build();
  }
}
