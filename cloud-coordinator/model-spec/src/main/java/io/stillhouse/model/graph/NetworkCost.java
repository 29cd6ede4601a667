package io.stillhouse.model.graph;

import io.stillhouse.model.Precision;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a network costs for one image: exact counts from the graph, no measurement.
 *
 * <ul>
 *   <li><b>params</b>: trainable values, so weights, biases and the gamma and beta of batch
 *       normalisation, but not its running statistics.
 *   <li><b>macs</b>: multiply-accumulates of convolution and linear layers; nothing else is counted
 *       (the convention of torchvision; some tools add normalisation, activation and pooling).
 *   <li><b>weightBytes</b>: params at the size of the precision. With int8, multiplied weights take
 *       one byte and everything else four.
 *   <li><b>activationPeakBytes</b>: most bytes of feature maps that are alive at once when nodes
 *       run in order and each map is dropped after its last reader. Normalisation, activation,
 *       dropout and flatten work in place when they are the only reader of their input, as
 *       inference runtimes fuse them. Workspace of kernels is not in it.
 * </ul>
 */
public record NetworkCost(
    String network,
    long params,
    long macs,
    long weightBytes,
    long activationPeakBytes,
    List<LayerCost> layers) {
  public NetworkCost {
    layers = List.copyOf(layers);
  }

  /**
   * The part of one node.
   *
   * @param kind the layer's type in lower case, e.g. {@code conv}
   */
  public record LayerCost(
      String node,
      String kind,
      ImageShape output,
      long params,
      long macs,
      long weightBytes,
      long outputBytes) {}

  /** Cost in float32. */
  public static NetworkCost of(NetworkGraph graph) {
    return of(graph, Precision.FP32);
  }

  public static NetworkCost of(NetworkGraph graph, Precision precision) {
    Map<String, ImageShape> shapes = graph.shapes();
    List<LayerCost> layers = new ArrayList<>();
    long params = 0;
    long macs = 0;
    long weightBytes = 0;
    for (Node node : graph.nodes()) {
      ImageShape output = shape(shapes, node.name());
      Count count = count(node.layer(), output);
      LayerCost layer =
          new LayerCost(
              node.name(),
              kind(node.layer()),
              output,
              count.multiplied + count.added,
              count.macs,
              count.multiplied * bytes(precision) + count.added * otherBytes(precision),
              output.elements() * bytes(precision));
      layers.add(layer);
      params += layer.params();
      macs += layer.macs();
      weightBytes += layer.weightBytes();
    }
    return new NetworkCost(
        graph.name(), params, macs, weightBytes, peak(graph, shapes, bytes(precision)), layers);
  }

  /**
   * @param multiplied values of convolution and linear weights
   * @param added values that are added or scale a channel: biases, gamma, beta
   */
  private record Count(long multiplied, long added, long macs) {}

  private static Count count(Layer layer, ImageShape output) {
    if (layer instanceof Layer.Conv conv) {
      long window = (long) conv.in() / conv.groups() * conv.kernelHeight() * conv.kernelWidth();
      return new Count(
          window * conv.out(), conv.bias() ? conv.out() : 0, window * output.elements());
    }
    if (layer instanceof Layer.Linear linear) {
      long weights = (long) linear.in() * linear.out();
      return new Count(weights, linear.bias() ? linear.out() : 0, weights);
    }
    if (layer instanceof Layer.BatchNorm norm) {
      return new Count(0, 2L * norm.channels(), 0);
    }
    return new Count(0, 0, 0);
  }

  private static long peak(NetworkGraph graph, Map<String, ImageShape> shapes, int elementBytes) {
    Map<String, List<Node>> consumers = graph.consumers();
    // A buffer is named by the node that allocated it; in-place nodes keep their input's buffer.
    Map<String, String> bufferOf = new HashMap<>();
    Map<String, Integer> readersLeft = new HashMap<>();
    Map<String, Long> alive = new HashMap<>();
    long live = 0;
    long peak = 0;
    for (Node node : graph.nodes()) {
      List<Node> readers = consumers.getOrDefault(node.name(), List.of());
      String first = node.inputs().isEmpty() ? "" : node.inputs().get(0);
      boolean inPlace =
          worksInPlace(node.layer()) && consumers.getOrDefault(first, List.of()).size() == 1;
      if (inPlace) {
        bufferOf.put(node.name(), bufferOf.getOrDefault(first, first));
      } else {
        long size = shape(shapes, node.name()).elements() * elementBytes;
        bufferOf.put(node.name(), node.name());
        alive.put(node.name(), size);
        live += size;
      }
      peak = Math.max(peak, live);
      String buffer = bufferOf.getOrDefault(node.name(), node.name());
      readersLeft.merge(buffer, readers.size(), Integer::sum);
      for (String input : node.inputs()) {
        String read = bufferOf.getOrDefault(input, input);
        if (readersLeft.merge(read, -1, Integer::sum) == 0) {
          Long freed = alive.remove(read);
          live -= freed == null ? 0 : freed;
        }
      }
    }
    return peak;
  }

  private static boolean worksInPlace(Layer layer) {
    return layer instanceof Layer.BatchNorm
        || layer instanceof Layer.Activation
        || layer instanceof Layer.Dropout
        || layer instanceof Layer.Flatten;
  }

  private static ImageShape shape(Map<String, ImageShape> shapes, String node) {
    ImageShape shape = shapes.get(node);
    if (shape == null) {
      throw new AssertionError("every node has a shape: " + node);
    }
    return shape;
  }

  private static int bytes(Precision precision) {
    return switch (precision) {
      case FP32 -> 4;
      case FP16 -> 2;
      case INT8 -> 1;
    };
  }

  private static int otherBytes(Precision precision) {
    return precision == Precision.FP16 ? 2 : 4;
  }

  private static String kind(Layer layer) {
    return layer.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
  }
}
