package io.stillhouse.lab.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.LabException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnfinishedRunTest {
  private static final Map<String, String> ARGUMENTS = Map.of("epochs", "3", "data", "images:x");

  @TempDir private Path folder;

  private Path out() {
    return folder.resolve("below").resolve("out");
  }

  private Path unfinished() {
    return folder.resolve("below").resolve("out.unfinished");
  }

  /** Begins, leaves a checkpoint behind, and lets go as a killed process does. */
  private void begin() throws IOException {
    try (UnfinishedRun run = UnfinishedRun.open(out())) {
      run.claim(ARGUMENTS);
      Files.createDirectories(run.checkpoints().resolve("step-1"));
    }
  }

  @Test
  void the_same_run_goes_on_and_forgets_the_way_once_it_is_finished() throws IOException {
    begin();
    try (UnfinishedRun run = UnfinishedRun.open(out())) {
      run.claim(Map.copyOf(ARGUMENTS));
      assertThat(run.checkpoints().resolve("step-1")).isDirectory();
      run.finish();
    }
    assertThat(unfinished()).doesNotExist();
  }

  @Test
  void other_arguments_are_refused_by_name_with_both_values_and_spoil_nothing() throws IOException {
    begin();
    try (UnfinishedRun run = UnfinishedRun.open(out())) {
      assertThatThrownBy(() -> run.claim(Map.of("epochs", "4", "data", "images:x")))
          .isInstanceOf(LabException.class)
          .hasMessageContaining("epochs 3, now 4")
          .hasMessageNotContaining("images:x")
          .hasMessageNotContaining("\n");
      assertThatThrownBy(() -> run.claim(Map.of("epochs", "3")))
          .hasMessageContaining("data images:x, now none");
    }
    try (UnfinishedRun run = UnfinishedRun.open(out())) {
      run.claim(ARGUMENTS);
      assertThat(run.checkpoints().resolve("step-1")).isDirectory();
    }
  }

  @Test
  void an_output_that_another_run_holds_is_refused() {
    try (UnfinishedRun holder = UnfinishedRun.open(out())) {
      holder.claim(ARGUMENTS);
      assertThatThrownBy(() -> UnfinishedRun.open(out()))
          .isInstanceOf(LabException.class)
          .hasMessageContaining("another process");
    }
    UnfinishedRun.open(out()).close();
  }

  @Test
  void a_finished_output_is_not_overwritten() throws IOException {
    Files.createDirectories(out());
    UnfinishedRun.open(out()).close();
    Files.writeString(out().resolve("model.json"), "{}");
    assertThatThrownBy(() -> UnfinishedRun.open(out()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("exists and is not empty");
    assertThat(out().resolve("model.json")).hasContent("{}");
  }

  @Test
  void a_run_that_did_nothing_leaves_nothing() {
    try (UnfinishedRun run = UnfinishedRun.open(out())) {
      run.claim(ARGUMENTS);
    }
    assertThat(unfinished()).doesNotExist();
  }

  @Test
  void a_place_that_cannot_be_written_is_told_in_one_line() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    for (Path bad : new Path[] {file.resolve("out"), Path.of("/proc/nothing/out"), Path.of("/")}) {
      assertThatThrownBy(() -> UnfinishedRun.open(bad))
          .isInstanceOf(LabException.class)
          .hasMessageContaining(bad.toString())
          .hasMessageNotContaining("\n");
    }
  }
}
