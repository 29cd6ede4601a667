package io.stillhouse.lab.tailor;

import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkCost.LayerCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.profile.Probe;
import java.util.Comparator;
import java.util.List;

/**
 * Predicts the latency of one inference on a device from the micro-kernels that it measured.
 *
 * <pre>
 * call          = fastest probe of that precision: what an empty inference costs
 * throughput(l) = macs / max(p50 - call, p50 / 5) of the probe of l's kernel kind that is nearest in macs
 * p50           = call + sum over layers l of (floor + macs(l) / throughput(l))
 * p99           = {@value #P99_OVER_P50} * p50
 * </pre>
 *
 * <p>A convolution counts as pointwise, depthwise or 3x3; layers without multiplications cost the
 * floor. What it does not know: caches that a whole network fills and a probe does not, shapes far
 * from the probes', and that an 8-bit probe pays for quantizing its input and dequantizing its
 * output, which inside a network is shared, so 8-bit predictions are on the slow side. The
 * self-test on the device decides.
 */
public final class LatencyPredictor {
  /** How far the slowest percent lies above the median on a board that does other things too. */
  static final double P99_OVER_P50 = 1.5;

  /** Cost of dispatching one operator. */
  private static final double FLOOR_MICROS = 1.0;

  /**
   * Throughput assumed where a device measured nothing: a slow in-order core, so that the students
   * that are made on this assumption are small rather than late.
   */
  private static final double ASSUMED_MACS_PER_MICRO = 300;

  private final List<Probe> probes;

  public LatencyPredictor(List<Probe> probes) {
    this.probes = probes.stream().filter(p -> p.p50Micros() > 0 && p.macs() > 0).toList();
  }

  /** True when no probe backs the predictions of this precision. */
  boolean assumes(Precision precision) {
    return probes.stream().noneMatch(p -> p.precision() == precision);
  }

  /** Median of one inference in microseconds. */
  public double p50Micros(NetworkGraph graph, Precision precision) {
    NetworkCost cost = NetworkCost.of(graph, precision);
    double total = callMicros(precision);
    for (int i = 0; i < graph.nodes().size(); i++) {
      total += layerMicros(graph.nodes().get(i), cost.layers().get(i), precision);
    }
    return total;
  }

  /** Slowest percent of inferences in microseconds. */
  public double p99Micros(NetworkGraph graph, Precision precision) {
    return P99_OVER_P50 * p50Micros(graph, precision);
  }

  private double callMicros(Precision precision) {
    return probes.stream()
        .filter(p -> p.precision() == precision)
        .mapToDouble(Probe::p50Micros)
        .min()
        .orElse(0);
  }

  private double layerMicros(Node node, LayerCost cost, Precision precision) {
    return cost.macs() == 0
        ? FLOOR_MICROS
        : FLOOR_MICROS + cost.macs() / throughput(kernel(node.layer()), cost.macs(), precision);
  }

  private double throughput(String kernel, long macs, Precision precision) {
    double call = callMicros(precision);
    return probes.stream()
        .filter(p -> p.precision() == precision && p.kernel().equals(kernel))
        .min(Comparator.comparingDouble(p -> Math.abs(Math.log((double) p.macs() / macs))))
        .map(p -> p.macs() / Math.max(p.p50Micros() - call, p.p50Micros() / 5))
        .orElse(ASSUMED_MACS_PER_MICRO);
  }

  private static String kernel(Layer layer) {
    if (layer instanceof Layer.Conv conv) {
      return conv.depthwise()
          ? "depthwise3x3"
          : conv.kernelHeight() * conv.kernelWidth() == 1 ? "pointwise" : "conv3x3";
    }
    return "linear";
  }
}
