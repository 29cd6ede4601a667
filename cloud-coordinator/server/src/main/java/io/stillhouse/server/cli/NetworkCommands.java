package io.stillhouse.server.cli;

import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
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

    private ImageShape shape() {
      return checked(
          () -> input.map(ImageShape::parse).orElseGet(() -> NetworkCatalog.entry(name).input()));
    }

    private int classes() {
      return classes.orElseGet(() -> checked(() -> NetworkCatalog.entry(name)).classes());
    }

    private NetworkGraph graph() {
      ImageShape shape = shape();
      int count = classes();
      return checked(() -> NetworkCatalog.build(name, shape, count, width));
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
      OnnxExporter.exportRandom(
          choice.name,
          choice.width,
          choice.shape(),
          new OnnxExporter.RandomExport(choice.classes(), seed),
          out);
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
