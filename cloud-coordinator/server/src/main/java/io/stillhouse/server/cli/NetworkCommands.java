package io.stillhouse.server.cli;

import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.network.NetworkRequest;
import io.stillhouse.model.network.Stem;
import io.stillhouse.model.redesign.DesignStrategy;
import io.stillhouse.model.redesign.Redesign;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Networks by name: what there is, what one costs, one as a file. Needs no coordinator. */
@Command(
    name = "network",
    mixinStandardHelpOptions = true,
    description = "Networks by name: what there is, what they cost, as ONNX.")
final class NetworkCommands extends Cli.Group {
  private final Surroundings around;

  NetworkCommands(Surroundings around) {
    this.around = around;
  }

  /** What network, for which images and classes. */
  static final class Choice {
    @Parameters(paramLabel = "NAME", description = "A name of 'network list'.")
    private String name = "";

    @Option(
        names = "--width",
        paramLabel = "X",
        description = "Multiple of the channels; default: ${DEFAULT-VALUE}.")
    private double width = 1.0;

    @Option(
        names = "--input",
        paramLabel = "CxHxW",
        description = "Image shape; default: what the network is usually quoted with.")
    private Optional<String> input = Optional.empty();

    @Option(
        names = "--classes",
        paramLabel = "N",
        description = "Classes; default: what the network is usually quoted with.")
    private Optional<Integer> classes = Optional.empty();

    @Option(
        names = "--stem",
        paramLabel = "FORM",
        description = {
          "auto, imagenet or small; default: ${DEFAULT-VALUE}.",
          "auto takes the small form when the shorter side has 64 pixels or fewer."
        })
    private String stem = "auto";

    private ImageShape shape() {
      return checked(
          () -> input.map(ImageShape::parse).orElseGet(() -> NetworkCatalog.entry(name).input()));
    }

    private int classes() {
      return classes.orElseGet(() -> checked(() -> NetworkCatalog.entry(name)).classes());
    }

    private NetworkRequest request() {
      ImageShape shape = shape();
      int count = classes();
      return checked(() -> new NetworkRequest(name, shape, count, width, Stem.parse(stem)));
    }

    private NetworkGraph graph() {
      NetworkRequest request = request();
      return checked(request::build);
    }

    /** One redesign for each strategy, each applied to what the one before it made. */
    private List<Redesign> redesigned(List<String> strategies) {
      NetworkRequest request = request();
      return checked(
          () -> Redesign.chain(request, strategies.stream().map(DesignStrategy::parse).toList()));
    }

    /** The catalogue refuses what makes no network with one line for people. */
    private static <T> T checked(Supplier<T> made) {
      try {
        return made.get();
      } catch (IllegalArgumentException e) {
        throw CliException.ofUsage(
            "cannot build this network",
            String.valueOf(e.getMessage()),
            "see 'stillhouse network list'");
      }
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "List the networks that can be named.")
  void list(@Mixin JsonOption json) {
    List<NetworkCatalog.Entry> entries = NetworkCatalog.entries();
    json.print(
        around.out(),
        Map.of(
            "networks",
            entries.stream()
                .map(
                    e ->
                        Map.of(
                            "name", e.name(),
                            "summary", e.summary(),
                            "input", e.input().toString(),
                            "classes", e.classes()))
                .toList()),
        () -> {
          Table table = new Table("NETWORK", "INPUT", "CLASSES", "ABOUT");
          entries.forEach(e -> table.row(e.name(), e.input(), e.classes(), e.summary()));
          table.print(around.out());
        });
  }

  @Command(
      name = "cost",
      mixinStandardHelpOptions = true,
      description = {
        "Count what a network costs for one image.",
        "macs are multiply-accumulates of convolution and linear layers."
      })
  void cost(@Mixin Choice choice, @Mixin JsonOption json) {
    NetworkCost cost = NetworkCost.of(choice.graph());
    json.print(around.out(), document(cost), () -> print(cost));
  }

  private void print(NetworkCost cost) {
    Table table = new Table("LAYER", "KIND", "OUTPUT", "PARAMS", "MACS");
    cost.layers().forEach(l -> table.row(l.node(), l.kind(), l.output(), l.params(), l.macs()));
    table.print(around.out());
    around
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "%s: %,d params, %,d macs, %,d bytes of weights, %,d bytes of activations at most",
                cost.network(),
                cost.params(),
                cost.macs(),
                cost.weightBytes(),
                cost.activationPeakBytes()));
  }

  private static Map<String, Object> document(NetworkCost cost) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("network", cost.network());
    document.put("params", cost.params());
    document.put("macs", cost.macs());
    document.put("weightBytes", cost.weightBytes());
    document.put("activationPeakBytes", cost.activationPeakBytes());
    document.put("layers", cost.layers().stream().map(NetworkCommands::document).toList());
    return document;
  }

  private static Map<String, Object> document(NetworkCost.LayerCost layer) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("node", layer.node());
    document.put("kind", layer.kind());
    document.put("output", layer.output().toString());
    document.put("params", layer.params());
    document.put("macs", layer.macs());
    document.put("weightBytes", layer.weightBytes());
    document.put("outputBytes", layer.outputBytes());
    return document;
  }

  @Command(
      name = "redesign",
      mixinStandardHelpOptions = true,
      description = {
        "Apply strategies of light design in order and show the cost before and after.",
        "kernel size: kernel-split, kernel-pointwise",
        "input channels: squeeze[:N], bottleneck[:N]",
        "decomposed convolution: separable, spatial, group[:N], ghost",
        "convolution width: width:X"
      })
  void redesign(
      @Mixin Choice choice,
      @Option(
              names = "--strategy",
              paramLabel = "S",
              required = true,
              description = "A strategy, as name or name:number; may be repeated.")
          List<String> strategies,
      @Mixin JsonOption json) {
    List<Redesign> steps = choice.redesigned(strategies);
    NetworkCost before = steps.get(0).costBefore();
    NetworkCost after = steps.get(steps.size() - 1).costAfter();
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("network", before.network());
    document.put("strategies", steps.stream().map(step -> step.strategy().toString()).toList());
    document.put("changed", steps.stream().flatMap(step -> step.changed().stream()).toList());
    document.put("before", document(before));
    document.put("after", document(after));
    json.print(around.out(), document, () -> print(steps, before, after));
  }

  private void print(List<Redesign> steps, NetworkCost before, NetworkCost after) {
    for (Redesign step : steps) {
      around
          .out()
          .println(
              "%s (%s): %d convolutions rewritten"
                  .formatted(
                      step.strategy(), step.strategy().kind().heading(), step.changed().size()));
    }
    Table table = new Table("COST", "BEFORE", "AFTER", "LEFT");
    row(table, "params", before.params(), after.params());
    row(table, "macs", before.macs(), after.macs());
    row(table, "bytes of weights", before.weightBytes(), after.weightBytes());
    row(table, "bytes of activations", before.activationPeakBytes(), after.activationPeakBytes());
    table.print(around.out());
  }

  private static void row(Table table, String what, long before, long after) {
    table.row(
        what,
        String.format(Locale.ROOT, "%,d", before),
        String.format(Locale.ROOT, "%,d", after),
        String.format(Locale.ROOT, "%.1f %%", 100.0 * after / before));
  }

  @Command(
      name = "export",
      mixinStandardHelpOptions = true,
      description = "Write an untrained network as ONNX, to measure size and speed.")
  void export(
      @Mixin Choice choice,
      @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "Weight seed.")
          long seed,
      @Option(names = "--out", paramLabel = "FILE", required = true, description = "ONNX file.")
          Path out) {
    NetworkGraph graph = choice.graph();
    try {
      OnnxExporter.exportRandom(graph, seed, out);
      around.out().println("wrote %s: %s, %d bytes".formatted(out, graph.name(), Files.size(out)));
      around.out().flush();
    } catch (IOException e) {
      throw new CliException(
          "cannot write " + out,
          e instanceof NoSuchFileException ? "its folder does not exist" : e.toString(),
          "choose another --out");
    }
  }
}
