package io.stillhouse.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.stillhouse.server.service.ServiceJson;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/** {@code --json}: one document on standard output and nothing else. */
final class JsonOption {
  @Option(names = "--json", description = "Print one JSON document and nothing else.")
  private boolean json;

  /** Prints the document when it is wanted, and what people read otherwise. */
  void print(PrintWriter out, Object document, Runnable forPeople) {
    if (json) {
      out.println(text(document));
    } else {
      forPeople.run();
    }
    out.flush();
  }

  private static String text(Object document) {
    try {
      return ServiceJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(document);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON", e);
    }
  }
}
