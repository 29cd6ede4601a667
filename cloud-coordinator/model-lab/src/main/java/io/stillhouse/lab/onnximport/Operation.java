package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.export.onnx.AttributeProto;
import io.stillhouse.lab.export.onnx.NodeProto;
import java.util.List;
import java.util.Optional;

/** One node of a file, asked by the names that the ONNX operator specification gives. */
record Operation(NodeProto proto) {

  String type() {
    return proto.getOpType();
  }

  /** For messages: operator and node. */
  String place() {
    String name = proto.getName().isEmpty() ? output() : proto.getName();
    return "operator %s (node %s)".formatted(type(), name);
  }

  List<String> inputs() {
    return proto.getInputList();
  }

  /** Whether the input is given; optional ones may be left out or have an empty name. */
  boolean has(int input) {
    return input < proto.getInputCount() && !proto.getInput(input).isEmpty();
  }

  String input(int index) {
    if (!has(index)) {
      throw new IllegalArgumentException("input %d is missing".formatted(index));
    }
    return proto.getInput(index);
  }

  String output() {
    return proto.getOutputCount() == 0 ? "" : proto.getOutput(0);
  }

  Optional<AttributeProto> attribute(String name) {
    return proto.getAttributeList().stream().filter(a -> a.getName().equals(name)).findFirst();
  }

  boolean sets(String name) {
    return attribute(name).isPresent();
  }

  int whole(String name, int otherwise) {
    return attribute(name).map(a -> Math.toIntExact(a.getI())).orElse(otherwise);
  }

  float real(String name, float otherwise) {
    return attribute(name).map(AttributeProto::getF).orElse(otherwise);
  }

  String text(String name, String otherwise) {
    return attribute(name).map(a -> a.getS().toStringUtf8()).orElse(otherwise);
  }

  int[] wholes(String name, int... otherwise) {
    return attribute(name)
        .map(
            a ->
                a.getIntsList().stream()
                    .mapToInt(
                        v -> (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, v)))
                    .toArray())
        .orElse(otherwise);
  }

  /** Refuses an attribute whose value is none of those that the graph has a layer for. */
  void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException(what);
    }
  }
}
