package io.stillhouse.lab.compress;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.OrtModel;
import java.util.ArrayList;
import java.util.List;

/**
 * Labelled images that choices inside a recipe are judged by. They come from the training part, so
 * that the test images stay unseen until the end: accuracy on them may be too good, its differences
 * are what counts.
 */
final class Validation {
  /** Training images that layers are compared by: one of them is a fifth of a point. */
  static final int IMAGES = 512;

  private final List<float[]> inputs = new ArrayList<>();
  private final List<Integer> labels = new ArrayList<>();

  /** Judges by some of the training images. */
  Validation(Dataset data, Preprocessing preprocessing) {
    this(data.train(), IMAGES, preprocessing);
  }

  /** Judges by at most so many of these images, evenly spread. */
  Validation(Images images, int most, Preprocessing preprocessing) {
    int taken = Math.min(most, images.count());
    for (int i = 0; i < taken; i++) {
      int index = Math.toIntExact((long) i * images.count() / taken);
      inputs.add(Evaluator.input(images, index, preprocessing));
      labels.add(images.label(index));
    }
  }

  List<float[]> inputs() {
    return List.copyOf(inputs);
  }

  /** Share of the images that the file gets right, in the runtime that devices use. */
  double accuracy(byte[] onnx) {
    return judged(onnx, List.of()).accuracy();
  }

  /**
   * What a file says to the images.
   *
   * @param error mean squared difference of its logits from a reference's; 0 without one
   */
  record Judged(double accuracy, double error) {}

  /** Compares with logits that another file gave. */
  Judged judged(byte[] onnx, List<float[]> reference) {
    int correct = 0;
    double error = 0;
    try (OrtModel model = OrtModel.open(onnx)) {
      for (int i = 0; i < inputs.size(); i++) {
        float[] logits = model.run(inputs.get(i));
        correct += Evaluator.argMax(logits) == labels.get(i) ? 1 : 0;
        for (int c = 0; c < (reference.isEmpty() ? 0 : logits.length); c++) {
          error += Math.pow((double) logits[c] - reference.get(i)[c], 2) / logits.length;
        }
      }
    }
    return new Judged((double) correct / inputs.size(), error / inputs.size());
  }

  /** What a file says to each image. */
  List<float[]> logits(byte[] onnx) {
    try (OrtModel model = OrtModel.open(onnx)) {
      return inputs.stream().map(model::run).toList();
    }
  }
}
