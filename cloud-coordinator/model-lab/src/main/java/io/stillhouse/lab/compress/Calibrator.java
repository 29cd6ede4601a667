package io.stillhouse.lab.compress;

import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.ActivationRanges.Range;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.recipe.Compression.Calibration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds the range of every activation by running the folded float network over images that the
 * device might see. The runtime that will execute the model is also the one that is observed.
 *
 * <p>All but {@link Calibration#MIN_MAX} cut rare values away, from a histogram of {@value
 * ActivationHistogram#BINS} bins over the min-max range: a few outliers would otherwise spend most
 * of the 256 levels on values that hardly occur.
 */
public final class Calibrator {
  /** More images than this change no range worth the time. */
  public static final int IMAGES_MAX = 4_096;

  private Calibrator() {}

  /**
   * Runs the images and gives a range for every node that {@link OnnxExporter#int8} asks for.
   *
   * @param images preprocessed, in any order; at least one
   */
  public static ActivationRanges calibrate(
      Network network, List<float[]> images, Calibration calibration) {
    if (images.isEmpty() || images.size() > IMAGES_MAX) {
      throw new IllegalArgumentException(
          "calibration images: %d (expected: 1 to %d)".formatted(images.size(), IMAGES_MAX));
    }
    String input = network.graph().nodes().get(0).name();
    try (OrtModel model = OrtModel.open(OnnxExporter.observed(network))) {
      Map<String, ActivationHistogram> spreads = new TreeMap<>();
      for (float[] image : images) {
        observed(model, input, image)
            .forEach(
                (node, values) ->
                    spreads.computeIfAbsent(node, key -> new ActivationHistogram()).widen(values));
      }
      if (calibration != Calibration.MIN_MAX) {
        for (float[] image : images) {
          observed(model, input, image)
              .forEach(
                  (node, values) ->
                      spreads.getOrDefault(node, new ActivationHistogram()).count(values));
        }
      }
      Map<String, Range> ranges = new TreeMap<>();
      spreads.forEach((node, spread) -> ranges.put(node, spread.range(calibration)));
      return new ActivationRanges(ranges);
    }
  }

  private static Map<String, float[]> observed(OrtModel model, String input, float[] image) {
    Map<String, float[]> values = new HashMap<>(model.runAll(image));
    values.remove(OnnxExporter.OUTPUT);
    values.put(input, image);
    return values;
  }
}
