package io.stillhouse.agent.serving;

import io.stillhouse.agent.inference.Preprocessing;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * A checked inference request: images as the model takes them.
 *
 * @param id the client's own, given back; empty when there is none
 * @param images all images one after the other
 * @param expectedLabels true class per image where the client knows them; empty or one per image
 * @param outputs names of the wanted outputs; empty means all
 */
record InferRequest(
    String id, FloatBuffer images, int count, List<Integer> expectedLabels, List<String> outputs) {
  /** Images of one request: bounds the memory and the time that one client can take. */
  static final int BATCH_MAX = 32;

  static final String INPUT = "input";
  static final String FP32 = "FP32";
  static final String UINT8 = "UINT8";

  private static final int PIXEL_MAX = 255;

  InferRequest {
    expectedLabels = List.copyOf(expectedLabels);
    outputs = List.copyOf(outputs);
  }

  FloatBuffer image(int index) {
    int elements = images.capacity() / count;
    return images.duplicate().position(index * elements).limit((index + 1) * elements);
  }

  OptionalInt expectedLabel(int index) {
    return expectedLabels.isEmpty()
        ? OptionalInt.empty()
        : OptionalInt.of(expectedLabels.get(index));
  }

  /** What a request says, as read and not yet checked against the model. */
  static final class Draft {
    String id = "";
    final List<Integer> expectedLabels = new ArrayList<>();
    final List<String> outputs = new ArrayList<>();
    boolean inputSeen;
    String name = "";
    String datatype = "";
    final List<Long> shape = new ArrayList<>();
    FloatBuffer data = FloatBuffer.allocate(0);
    boolean dataSeen;
    long binaryBytes = -1;
  }

  /**
   * Checks a draft against what the model takes, and turns raw pixels into its input.
   *
   * @param classes number of classes, for the range of expected labels
   */
  static InferRequest checked(Draft draft, Preprocessing preprocessing, int classes)
      throws HttpProblem {
    if (!draft.inputSeen) {
      throw HttpProblem.badRequest("inputs: none (expected: one tensor named \"input\")");
    }
    if (!draft.name.equals(INPUT)) {
      throw HttpProblem.badRequest(
          "input name: \"%s\" (expected: \"input\")".formatted(Texts.shown(draft.name)));
    }
    int count = batchOf(draft.shape, preprocessing);
    int elements = count * preprocessing.elements();
    if (draft.data.remaining() != elements) {
      throw HttpProblem.badRequest(
          "data: %d values (expected: %d, the product of the shape)"
              .formatted(draft.data.remaining(), elements));
    }
    FloatBuffer images = draft.data.slice();
    if (draft.datatype.equals(UINT8)) {
      normalize(images, preprocessing);
    } else if (!draft.datatype.equals(FP32)) {
      throw HttpProblem.badRequest(
          "datatype: \"%s\" (expected: FP32 or UINT8)".formatted(Texts.shown(draft.datatype)));
    }
    return new InferRequest(
        draft.id, images, count, labels(draft.expectedLabels, count, classes), draft.outputs);
  }

  private static int batchOf(List<Long> shape, Preprocessing preprocessing) throws HttpProblem {
    List<Long> image =
        List.of(
            (long) preprocessing.channels(),
            (long) preprocessing.height(),
            (long) preprocessing.width());
    if (shape.equals(image)) {
      return 1;
    }
    if (shape.size() != 4 || !shape.subList(1, 4).equals(image)) {
      throw HttpProblem.badRequest(
          "shape: %s (expected: [n, %d, %d, %d])"
              .formatted(shape, image.get(0), image.get(1), image.get(2)));
    }
    long count = shape.get(0);
    if (count < 1 || count > BATCH_MAX) {
      throw HttpProblem.badRequest(
          "batch: %d images (expected: 1 to %d)".formatted(count, BATCH_MAX));
    }
    return (int) count;
  }

  private static void normalize(FloatBuffer images, Preprocessing preprocessing)
      throws HttpProblem {
    int plane = preprocessing.height() * preprocessing.width();
    for (int i = 0; i < images.capacity(); i++) {
      float pixel = images.get(i);
      int level = (int) pixel;
      if (level != pixel || level < 0 || level > PIXEL_MAX) {
        throw HttpProblem.badRequest(
            "data: %s at %d (expected: UINT8, 0 to 255)".formatted(pixel, i));
      }
      images.put(i, preprocessing.normalize(i / plane % preprocessing.channels(), level));
    }
  }

  private static List<Integer> labels(List<Integer> labels, int count, int classes)
      throws HttpProblem {
    if (!labels.isEmpty() && labels.size() != count) {
      throw HttpProblem.badRequest(
          "expected_label: %d labels (expected: one per image, %d)"
              .formatted(labels.size(), count));
    }
    for (int label : labels) {
      if (label < 0 || label >= classes) {
        throw HttpProblem.badRequest(
            "expected_label: %d (expected: 0 to %d)".formatted(label, classes - 1));
      }
    }
    return labels;
  }
}
