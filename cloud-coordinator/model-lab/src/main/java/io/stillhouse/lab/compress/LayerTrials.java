package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * What a step costs layer by layer: each is compressed alone, as hard as the step compressed it and
 * without training after it, and judged by training images. It is for the report and decides
 * nothing.
 */
final class LayerTrials {
  /** Multiplications that the trials of one step may take: seconds on one thread. */
  static final long MACS_MAX = 500_000_000_000L;

  /** With fewer images, a layer's share of the loss would be chance. */
  static final int IMAGES_MIN = 64;

  private final StepContext context;

  LayerTrials(StepContext context) {
    this.context = context;
  }

  /**
   * One layer, or group of channels, compressed alone.
   *
   * @param setting how hard, as in {@link SensitivityTable.Row}
   */
  record Trial(String layer, double setting, Supplier<Network> network) {}

  /** What a step made of a network, and each layer alone as the step began with it. */
  record Compressed(Network network, List<Trial> alone) {
    Compressed {
      alone = List.copyOf(alone);
    }
  }

  /**
   * A network with the weights of another of its shape, one layer at a time; those with the same
   * weights in both are left out.
   *
   * @param setting how hard a layer was compressed, told by its new weights
   */
  static List<Trial> ofWeights(Network network, Network other, ToDoubleFunction<float[]> setting) {
    List<Trial> trials = new ArrayList<>();
    for (Node node : network.graph().nodes()) {
      String name = node.name() + ".weight";
      if (WeightPalette.multiplies(node)
          && !Arrays.equals(network.weights().values(name), other.weights().values(name))) {
        trials.add(
            new Trial(
                node.name(),
                setting.applyAsDouble(other.weights().values(name)),
                () -> withWeight(network, name, other)));
      }
    }
    return trials;
  }

  private static Network withWeight(Network network, String name, Network other) {
    return new Network(
        network.graph(),
        network.weights().toBuilder()
            .put(name, other.weights().values(name), other.weights().shape(name))
            .build());
  }

  /**
   * Accuracy with each layer alone compressed; without rows where there is nothing to try.
   *
   * @param method the step as a recipe calls it
   * @param before the network that the step began with
   */
  SensitivityTable measure(String method, Network before, List<Trial> trials, Progress progress) {
    Validation validation = validation(before, trials.size());
    List<SensitivityTable.Row> rows = new ArrayList<>();
    for (Trial trial : trials) {
      if (progress.cancelled()) {
        throw new CancelledException(method + ": try layers");
      }
      progress.report(method + ": try layers", (double) rows.size() / trials.size(), trial.layer());
      double accuracy = validation.accuracy(file(trial.network().get()));
      rows.add(new SensitivityTable.Row(trial.layer(), trial.setting(), accuracy));
    }
    return new SensitivityTable(method, validation.accuracy(file(before)), rows);
  }

  /** The images that so many trials of a network are judged by. */
  Validation validation(Network network, int trials) {
    int images = images(NetworkCost.of(network.graph()).macs(), trials);
    return new Validation(context.data().train(), images, context.teacher().preprocessing());
  }

  /** How many images fit the bound, the baseline being a trial as well. */
  static int images(long macs, int trials) {
    long fitting = MACS_MAX / Math.max(1, macs * (trials + 1L));
    return (int) Math.max(IMAGES_MIN, Math.min(Validation.IMAGES, fitting));
  }

  private static byte[] file(Network network) {
    return OnnxExporter.fp32(TrainingMarks.without(network));
  }
}
