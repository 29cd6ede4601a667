package io.stillhouse.lab.report;

import io.stillhouse.lab.evaluate.Evaluation;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * One of the four qualities of a network for the edge, by one of the figures that stand for it.
 *
 * @param figure which, of both networks
 */
record Quality(Figure figure, double teacher, double student) {

  /** Low memory, low compute, high accuracy, real time: the figures in this order, side by side. */
  enum Figure {
    FILE("low memory", "fileBytes", "file, bytes", "length of the ONNX file") {
      @Override
      double of(Evaluation evaluation) {
        return evaluation.size().fileBytes();
      }
    },
    ACTIVATIONS(
        "low memory",
        "activationPeakBytes",
        "activations, peak bytes",
        "most bytes of feature maps alive at once in the precision of the file, by liveness in the graph") {
      @Override
      double of(Evaluation evaluation) {
        return evaluation.size().activationPeakBytes();
      }
    },
    PROCESS(
        "low memory",
        "peakMemoryBytes",
        "process, peak bytes",
        "growth of a process that loads the file in ONNX Runtime and runs it, one thread") {
      @Override
      double of(Evaluation evaluation) {
        return evaluation.speed().peakMemoryBytes();
      }
    },
    COMPUTE(
        "low compute",
        "macs",
        "multiply-accumulates",
        "count over convolution and linear layers, one image") {
      @Override
      double of(Evaluation evaluation) {
        return evaluation.size().macs();
      }
    },
    ACCURACY(
        "high accuracy",
        "accuracy",
        "test images right, %",
        "the file's answers to the test images in ONNX Runtime") {
      @Override
      double of(Evaluation evaluation) {
        return evaluation.accuracy();
      }
    },
    LATENCY(
        "real time",
        "latencyP50Micros",
        "ONNX Runtime, p50 µs",
        "median of timed runs of the file in ONNX Runtime here, one thread, one image") {
      @Override
      double of(Evaluation evaluation) {
        return evaluation.speed().latencyP50Micros();
      }
    };

    private final String quality;
    private final String field;
    private final String heading;
    private final String measuredBy;

    Figure(String quality, String field, String heading, String measuredBy) {
      this.quality = quality;
      this.field = field;
      this.heading = heading;
      this.measuredBy = measuredBy;
    }

    abstract double of(Evaluation evaluation);

    String quality() {
      return quality;
    }

    String heading() {
      return heading;
    }

    private String unit() {
      return switch (this) {
        case FILE, ACTIVATIONS, PROCESS -> "bytes";
        case COMPUTE -> "multiply-accumulates";
        case ACCURACY -> "share of test images";
        case LATENCY -> "microseconds";
      };
    }
  }

  static Quality of(Figure figure, Evaluation teacher, Evaluation student) {
    return new Quality(figure, figure.of(teacher), figure.of(student));
  }

  /** False where a figure could not be taken, which it says by 0. */
  boolean measured() {
    return figure == Figure.ACCURACY || (teacher > 0 && student > 0);
  }

  /** A value as people read it. */
  String text(ToDoubleFunction<Quality> side) {
    double value = side.applyAsDouble(this);
    return figure == Figure.ACCURACY ? Figures.percent(value) : Figures.whole(Math.round(value));
  }

  /** By what factor the figure fell, or by how many points accuracy moved; for people. */
  String change() {
    return figure == Figure.ACCURACY
        ? Figures.points(student - teacher)
        : Figures.factor(Math.round(teacher), Math.round(student));
  }

  /** The form in files; {@code field} is the name of the same figure in {@code stages}. */
  Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("quality", figure.quality);
    fields.put("field", figure.field);
    fields.put("unit", figure.unit());
    fields.put("measuredBy", figure.measuredBy);
    if (figure == Figure.ACCURACY) {
      fields.put("teacher", teacher);
      fields.put("student", student);
      fields.put("points", 100 * (student - teacher));
    } else {
      fields.put("teacher", Math.round(teacher));
      fields.put("student", Math.round(student));
      fields.put("timesLess", teacher / student);
    }
    return fields;
  }
}
