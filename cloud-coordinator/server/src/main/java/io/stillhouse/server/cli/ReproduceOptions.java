package io.stillhouse.server.cli;

import io.stillhouse.lab.Reproduction;
import io.stillhouse.lab.data.DataSpec;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where the inputs of a student lie now, and what came of making it again. */
final class ReproduceOptions {
  @Option(
      names = "--teacher",
      paramLabel = "DIR",
      description = "Where its teacher lies now; default: where it lay.")
  private Optional<Path> teacher = Optional.empty();

  @Option(
      names = "--data",
      paramLabel = "SPEC",
      description = "Where the data lies now; default: where it lay.")
  private Optional<String> data = Optional.empty();

  @Option(
      names = "--further-teacher",
      paramLabel = "DIR",
      description = {
        "Where a teacher lies now that the recipe names under 'teachers'; once for each,",
        "in the recipe's order. Default: where they lay."
      })
  private List<Path> furtherTeachers = List.of();

  @Option(
      names = "--unlabelled",
      paramLabel = "DIR",
      description = "Where the recipe's unlabelled pictures lie now; default: where they lay.")
  private Optional<Path> unlabelled = Optional.empty();

  Reproduction.Places places() {
    return new Reproduction.Places(teacher, data.map(DataSpec::parse), furtherTeachers, unlabelled);
  }

  /** Says which files are the same bytes and, where one is not, what else is not the same. */
  static void print(Reproduction.Comparison compared, int threads, PrintWriter out) {
    Table table = new Table("FILE", "AGAIN");
    compared
        .files()
        .forEach((file, equal) -> table.row(file, equal ? "the same bytes" : "other bytes"));
    table.print(out);
    if (threads > 1) {
      out.println("made with %d threads: equal bytes are not promised".formatted(threads));
    }
    if (compared.same()) {
      return;
    }
    compared
        .tools()
        .forEach(
            (name, change) ->
                out.println("%s: %s then, %s now".formatted(name, change.then(), change.now())));
    if (compared.tools().isEmpty() && threads == 1) {
      out.println("no input and no tool is another than then: was a file of the folder changed?");
    }
  }
}
