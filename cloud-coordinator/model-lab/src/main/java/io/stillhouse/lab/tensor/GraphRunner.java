package io.stillhouse.lab.tensor;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Arithmetic;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A network that runs and can be trained. Owns native memory until {@link #close}. Used by one
 * thread at a time. Failures of the engine, lack of memory among them, are {@link
 * io.stillhouse.lab.LabException}s.
 */
public final class GraphRunner implements AutoCloseable {
  private final TensorRuntime runtime;
  private final NetworkGraph graph;
  private final ParameterTensors parameters;
  private final Layers layers;

  /** Fewest images that are worth a thread. */
  private static final int SHARD_IMAGES_MIN = 16;

  private final Map<String, Integer> readers = new HashMap<>();
  private final Set<Integer> metCounts = ConcurrentHashMap.newKeySet();

  /** Copies the network's weights to native memory; computes in single precision. */
  public GraphRunner(TensorRuntime runtime, Network network) {
    this(runtime, network, Arithmetic.FP32);
  }

  /** Copies the network's weights to native memory. */
  public GraphRunner(TensorRuntime runtime, Network network, Arithmetic arithmetic) {
    this(runtime, network.graph(), new ParameterTensors(network.weights()), arithmetic);
  }

  private GraphRunner(
      TensorRuntime runtime,
      NetworkGraph graph,
      ParameterTensors parameters,
      Arithmetic arithmetic) {
    this.runtime = runtime;
    this.graph = graph;
    this.parameters = parameters;
    this.layers = new Layers(graph, parameters, arithmetic);
    graph.consumers().forEach((name, nodes) -> readers.put(name, nodes.size()));
    // The images belong to the caller, who may have more to do with them.
    readers.put(graph.nodes().get(0).name(), Integer.MAX_VALUE);
  }

  public NetworkGraph graph() {
    return graph;
  }

  /** The weights as they are now. */
  public Weights weights() {
    return parameters.export();
  }

  /**
   * Infers, with running statistics and without dropout.
   *
   * @param images preprocessed, NCHW; as many as fit the length
   * @return logits, {@code classes} per image
   */
  public float[] logits(float[] images) {
    long each = graph.input().elements();
    int count = Math.toIntExact(images.length / each);
    if (count < 1 || count * each != images.length) {
      throw new IllegalArgumentException(
          "images: %d values (expected: a multiple of %d)".formatted(images.length, each));
    }
    int shards = Math.max(1, Math.min(runtime.threads(), count / SHARD_IMAGES_MIN));
    List<Supplier<float[]>> parts = new ArrayList<>();
    for (int i = 0; i < shards; i++) {
      int from = count * i / shards;
      int to = count * (i + 1) / shards;
      parts.add(() -> infer(images, (int) (from * each), to - from));
    }
    try {
      FloatBuffer logits = FloatBuffer.allocate(count * graph.classes());
      List<float[]> results =
          metCounts.add(count) ? runtime.inTurn(parts) : runtime.parallel(parts);
      results.forEach(logits::put);
      return logits.array();
    } catch (RuntimeException | OutOfMemoryError e) {
      throw NativeFailure.explain(graph.name(), e);
    }
  }

  private float[] infer(float[] images, int at, int count) {
    return NativeScope.withoutGradient(
        () -> {
          int values = Math.toIntExact(count * graph.input().elements());
          FloatPointer input = new FloatPointer((long) values).put(images, at, values);
          return ParameterTensors.floats(forward(batch(input, count), Pass.INFERENCE));
        });
  }

  /** The same network on the same weights, for one of several training threads. */
  GraphRunner sharing(boolean sameStatistics, Arithmetic arithmetic) {
    return new GraphRunner(runtime, graph, parameters.sharing(sameStatistics), arithmetic);
  }

  TensorRuntime runtime() {
    return runtime;
  }

  ParameterTensors parameters() {
    return parameters;
  }

  /** A view of NCHW floats as the network's input; the pointer must outlive what is made of it. */
  Tensor batch(FloatPointer images, int count) {
    ImageShape input = graph.input();
    return torch
        .from_blob(images, count, input.channels(), input.height(), input.width())
        .contiguous(torch.MemoryFormat.ChannelsLast);
  }

  /** Logits (batch, classes). Callers hold a scope. */
  Tensor forward(Tensor images, Pass pass) {
    return forward(images, pass, Map.of());
  }

  /**
   * Logits (batch, classes), and results on the way to them.
   *
   * @param wanted names of nodes, whose results are put into it
   */
  Tensor forward(Tensor images, Pass pass, Map<String, Tensor> wanted) {
    Map<String, Tensor> values = new HashMap<>();
    Map<String, Integer> left = new HashMap<>(readers);
    Tensor last = images;
    for (Node node : graph.nodes()) {
      if (node.layer() instanceof Layer.Input) {
        values.put(node.name(), NativeScope.keepingResult(() -> layers.input(node, images)));
        continue;
      }
      List<Tensor> inputs =
          node.inputs().stream().map(from -> Objects.requireNonNull(values.get(from))).toList();
      // What a layer computes on the way, rounding above all, is many times its result.
      last = NativeScope.keepingResult(() -> layers.apply(node, inputs, pass));
      values.put(node.name(), last);
      if (wanted.containsKey(node.name())) {
        // A name of its own: the map below frees what it holds once the last reader had it.
        wanted.put(node.name(), last.alias().to(torch.ScalarType.Float));
      }
      for (String from : node.inputs()) {
        if (left.merge(from, -1, Integer::sum) == 0) {
          // Inference keeps only the maps that are still to be read; a gradient keeps its own.
          Objects.requireNonNull(values.remove(from)).close();
        }
      }
    }
    return last.flatten(1, -1).to(torch.ScalarType.Float);
  }

  @Override
  public void close() {
    parameters.close();
  }
}
