package io.stillhouse.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class QuickstartMainTest {
  @TempDir Path folder = Path.of("");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          --jsn x     | Unknown options: '--jsn', 'x'
          --json      | Missing required parameter for option '--json' (FILE)
          --exit=may  | 'may' is not a boolean
          """)
  void wrong_use_is_one_line_and_code_two(String options, String message) {
    assertOneLine(CommandLine.ExitCode.USAGE, message, options.strip().split(" +"));
  }

  @Test
  void a_folder_of_somebody_else_is_one_line_and_is_left_alone() throws Exception {
    Path file = Files.writeString(folder.resolve("theirs"), "x");
    assertOneLine(
        CommandLine.ExitCode.SOFTWARE,
        "no earlier quickstart made it",
        "--data-dir",
        folder.toString());
    assertThat(file).hasContent("x");
  }

  @Test
  void results_that_could_not_be_written_are_told_before_the_story_begins() {
    assertOneLine(
        CommandLine.ExitCode.SOFTWARE,
        "its folder does not exist",
        "--json",
        folder.resolve("nowhere/out.json").toString(),
        "--data-dir",
        folder.toString());
  }

  private static void assertOneLine(int code, String message, String... options) {
    StringWriter errors = new StringWriter();
    List<String> arguments = new ArrayList<>(List.of("--root", "."));
    arguments.addAll(List.of(options));
    CommandLine commands = QuickstartMain.commands().setErr(new PrintWriter(errors));
    assertThat(commands.execute(arguments.toArray(String[]::new))).isEqualTo(code);
    assertThat(errors.toString().strip().lines())
        .singleElement()
        .asString()
        .startsWith("quickstart: ")
        .contains(message);
  }
}
