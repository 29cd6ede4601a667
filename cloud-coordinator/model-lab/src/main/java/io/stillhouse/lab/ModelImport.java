package io.stillhouse.lab;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.ModelRefusedException;
import io.stillhouse.lab.evaluate.Tools;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.onnximport.OnnxImport;
import io.stillhouse.lab.onnximport.Parity;
import io.stillhouse.lab.onnximport.Renormalisation;
import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** The part of the lab that takes in models from elsewhere. Thread-confined. */
final class ModelImport {
  private static final long HEAD_SEED = 1;

  /** Images that statistics of normalisation come from, as many as a large batch has. */
  private static final int STATISTICS_IMAGES = 512;

  /** Images that the file and what was read from it both answer. */
  private static final int PARITY_IMAGES = 16;

  /** Beyond rounding: sums in another order differ by a millionth. */
  private static final double DIFFERENCE_MAX = 1e-3;

  private final Evaluator evaluator;

  ModelImport(Evaluator evaluator) {
    this.evaluator = evaluator;
  }

  Evaluation run(ImportRequest request, Progress progress) {
    PartialFolder.requireFree(request.out());
    request.data().requirePlace();
    progress.report("read " + request.data(), 0, "");
    Dataset data = request.data().load();
    Preprocessing preprocessing =
        request.preprocessing().orElseGet(() -> Preprocessing.measured(data.train()));
    if (preprocessing.mean().size() != data.shape().channels()) {
      throw LabException.ofArgument(
          "scaling of pixels",
          "%d means for images of %d channels"
              .formatted(preprocessing.mean().size(), data.shape().channels()),
          "Give one mean and one deviation per channel");
    }
    Network read = OnnxImport.read(request.onnx(), name(request), data.shape());
    List<float[]> images = images(data, preprocessing);
    OptionalDouble difference = difference(request, read, images);
    Network network = request.newHead() ? withHead(read, data.classes(), request) : read;
    if (network.graph().classes() != data.classes()) {
      throw new LabException(
          "model " + request.onnx(),
          "it tells %d classes apart, the data has %d"
              .formatted(network.graph().classes(), data.classes()),
          "Use the data that it was trained for, or replace its last layer with --new-head");
    }
    progress.report("normalise", 0.05, "");
    network = Renormalisation.of(network, images);
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("import", String.valueOf(request.onnx().getFileName()));
    recipe.put("importSha256", digest(request).sha256Hex());
    recipe.put("newHead", request.newHead());
    StoredModel model =
        new StoredModel(
            network,
            data.labels(),
            preprocessing,
            new Provenance("", data.digest().sha256Hex(), recipe, HEAD_SEED, Tools.used()));
    Map<String, Object> found = new LinkedHashMap<>();
    difference.ifPresent(value -> found.put("differenceFromFile", value));
    Evaluation evaluation =
        new MeasuredFolder(evaluator)
            .write(request.out(), model, data, found, progress.part(0.1, 1));
    progress.report("done", 1, "");
    return evaluation;
  }

  /** Refuses an import that answers otherwise than the file: nobody would find out later. */
  private static OptionalDouble difference(
      ImportRequest request, Network network, List<float[]> images) {
    try {
      OptionalDouble difference =
          Parity.difference(
              request.onnx(), network, images.subList(0, Math.min(PARITY_IMAGES, images.size())));
      if (difference.orElse(0) > DIFFERENCE_MAX) {
        throw new LabException(
            "model " + request.onnx(),
            "read as layers, it answers otherwise than the file, by %.2g of the largest answer"
                .formatted(difference.getAsDouble()),
            "Export the model anew, in a plainer form");
      }
      return difference;
    } catch (ModelRefusedException e) {
      throw new LabException(
          "model " + request.onnx(), String.valueOf(e.getMessage()), "Export it again", e);
    }
  }

  private static List<float[]> images(Dataset data, Preprocessing preprocessing) {
    Images train = data.train();
    int taken = Math.min(STATISTICS_IMAGES, train.count());
    List<float[]> images = new ArrayList<>();
    for (int i = 0; i < taken; i++) {
      images.add(
          Evaluator.input(train, Math.toIntExact((long) i * train.count() / taken), preprocessing));
    }
    return images;
  }

  private static Digest digest(ImportRequest request) {
    try {
      return Digest.ofFile(request.onnx());
    } catch (IOException e) {
      throw new LabException(
          "model " + request.onnx(), String.valueOf(e.getMessage()), "Check the file", e);
    }
  }

  /** The file's name, as far as a network's may be like it. */
  private static String name(ImportRequest request) {
    String file = String.valueOf(request.onnx().getFileName());
    String plain = file.replaceAll("\\.onnx$", "").replaceAll("[^A-Za-z0-9_.-]+", "_");
    return plain.isEmpty() ? "imported" : plain;
  }

  /** With an untrained layer of so many classes in place of the one that makes the logits. */
  private static Network withHead(Network network, int classes, ImportRequest request) {
    NetworkGraph graph = network.graph();
    List<Node> nodes = new ArrayList<>(graph.nodes());
    int at = nodes.size() - 1;
    while (at > 0 && nodes.get(at).layer() instanceof Layer.Flatten) {
      at--;
    }
    Node old = nodes.get(at);
    Layer head;
    if (old.layer() instanceof Layer.Linear linear) {
      head = new Layer.Linear(linear.in(), classes, true);
    } else if (old.layer() instanceof Layer.Conv c) {
      head = c.withChannels(c.in(), classes, 1).withBias(true);
    } else {
      throw new LabException(
          "model " + request.onnx(),
          "its last layer, %s, is neither linear nor a convolution".formatted(old.name()),
          "Import it without --new-head, for data of its own classes");
    }
    nodes.set(at, new Node(old.name(), head, old.inputs()));
    NetworkGraph changed = new NetworkGraph(graph.name(), graph.input(), classes, nodes);
    Weights chance = RandomWeights.of(changed, HEAD_SEED).weights();
    Weights.Builder weights = network.weights().toBuilder();
    for (String part : List.of(old.name() + ".weight", old.name() + ".bias")) {
      weights.put(part, chance.values(part), chance.shape(part));
    }
    return new Network(changed, weights.build());
  }
}
