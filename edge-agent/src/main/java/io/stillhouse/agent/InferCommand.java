package io.stillhouse.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.RealDisk;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks this device's model about pictures, as an application on the device would. */
@Command(
    name = "infer",
    mixinStandardHelpOptions = true,
    description = {
      "Ask the model that this device serves about pictures (PNG, JPEG, BMP, GIF).",
      "The agent has to run. A picture that cannot be read is named; the others are answered."
    })
final class InferCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final PrintWriter out;
  private final PrintWriter err;

  @Mixin
  @SuppressWarnings("NullAway.Init")
  private Place place;

  @Option(
      names = "--expected",
      paramLabel = "LABEL",
      description = {
        "The class that all these pictures are of, where it is known:",
        "it counts towards the live accuracy that the fleet's gates judge."
      })
  private Optional<String> expected = Optional.empty();

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Parameters(paramLabel = "PICTURE", arity = "1..*", description = "Files to classify.")
  private List<Path> pictures = List.of();

  InferCommand(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    Layout layout = place.layout();
    String name =
        new StatusFile(new RealDisk(), layout.status())
            .read()
            .map(status -> status.path("model").asText())
            .orElse("");
    if (name.isEmpty()) {
      throw new AgentException(
          "data directory " + layout.root(),
          "no agent serves a model from it",
          "Check --data-dir, and see 'stillhouse-agent status'");
    }
    LocalModel model = connect(place.read().rest().host(), layout, name);
    if (expected.isPresent() && !model.labels().contains(expected.get())) {
      throw new AgentException(
          "--expected " + expected.get(),
          "the model knows no such class",
          "Use one of " + String.join(", ", model.labels()));
    }
    ObjectNode document = JSON.createObjectNode().put("model", name);
    ArrayNode results = document.putArray("results");
    boolean complete = true;
    for (Path picture : pictures) {
      try {
        LocalModel.Answer answer = model.classify(picture, expected);
        results
            .addObject()
            .put("picture", picture.toString())
            .put("label", answer.label())
            .put("confidence", answer.confidence());
        if (!json) {
          out.println(
              String.format(
                  Locale.ROOT, "%-20s %.3f  %s", answer.label(), answer.confidence(), picture));
        }
      } catch (IOException e) {
        complete = false;
        err.println(
            "stillhouse-agent infer: picture %s: %s. Name another file"
                .formatted(picture, e.getMessage()));
      }
    }
    if (json) {
      out.println(JSON.writeValueAsString(document));
    }
    return complete ? 0 : 1;
  }

  private static LocalModel connect(String host, Layout layout, String name) throws IOException {
    try {
      return LocalModel.of(host, layout.restPort(), name);
    } catch (ConnectException | NoSuchFileException e) {
      throw new AgentException(
          "data directory " + layout.root(),
          "its agent does not run, or not on " + host,
          "Start it with 'stillhouse-agent run', or give the --config that it has",
          e);
    } catch (NumberFormatException e) {
      throw new AgentException(
          "file " + layout.restPort(),
          "it holds no port number",
          "Start the agent again, which writes it anew",
          e);
    }
  }
}
