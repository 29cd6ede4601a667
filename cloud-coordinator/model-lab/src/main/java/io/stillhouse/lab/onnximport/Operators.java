package io.stillhouse.lab.onnximport;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** The operators that have a layer, by their names in the ONNX specification. */
final class Operators {
  private final Map<String, Rule> rules = new TreeMap<>();
  private final Reading reading;

  private interface Rule {
    FeatureMap apply(Operation op);
  }

  Operators(Reading reading) {
    this.reading = reading;
    WindowOperators windows = new WindowOperators(reading);
    ShapeOperators shapes = new ShapeOperators(reading);
    ValueOperators values = new ValueOperators(reading);
    rules.put("Conv", windows::conv);
    rules.put("MaxPool", windows::maxPool);
    rules.put("AveragePool", windows::averagePool);
    rules.put("GlobalAveragePool", windows::globalAveragePool);
    rules.put("GlobalMaxPool", windows::globalMaxPool);
    rules.put("ReduceMean", windows::mean);
    rules.put("Flatten", shapes::flatten);
    rules.put("Reshape", shapes::reshape);
    rules.put("Transpose", shapes::transpose);
    rules.put("Squeeze", shapes::squeeze);
    rules.put("Unsqueeze", shapes::unsqueeze);
    rules.put("Concat", shapes::concat);
    rules.put("Slice", shapes::slice);
    rules.put("Pad", shapes::pad);
    rules.put("Gemm", values::gemm);
    rules.put("MatMul", values::matMul);
    rules.put("BatchNormalization", values::batchNorm);
    rules.put("Relu", op -> values.activation(op, Function.RELU));
    rules.put("Sigmoid", op -> values.activation(op, Function.SIGMOID));
    rules.put("HardSigmoid", values::hardSigmoid);
    rules.put("HardSwish", op -> values.activation(op, Function.HARD_SWISH));
    rules.put("Clip", values::clip);
    rules.put("Add", values::add);
    rules.put("Sum", op -> values.joined(op, new Layer.Add()));
    rules.put("Mul", values::multiply);
    rules.put("Div", values::divide);
    rules.put("Dropout", values::dropout);
    rules.put("Softmax", values::probabilities);
    rules.put("LogSoftmax", values::probabilities);
    rules.put("Identity", op -> reading.any(op, 0));
    rules.put("Split", shapes::split);
  }

  /** Reads a node whose result depends on the image. */
  void apply(Operation op) {
    String domain = op.proto().getDomain();
    Rule rule = rules.get(op.type());
    if (rule == null || !(domain.isEmpty() || domain.equals("ai.onnx"))) {
      throw new IllegalArgumentException(
          "it has no counterpart here (expected: one of %s)"
              .formatted(String.join(", ", new TreeSet<>(rules.keySet()))));
    }
    reading.set(op.output(), rule.apply(op));
  }
}
