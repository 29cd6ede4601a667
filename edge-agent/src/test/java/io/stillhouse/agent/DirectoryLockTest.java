package io.stillhouse.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.artifact.Layout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  @Test
  void one_at_a_time_has_it_and_gives_it_back() throws IOException {
    Layout layout = new Layout(folder);
    DirectoryLock first = DirectoryLock.take(layout);
    try (first) {
      assertThatThrownBy(() -> DirectoryLock.takeIfTheDiskAllows(layout))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("another agent runs on it");
    }
    DirectoryLock.take(layout).close();
  }

  @Test
  void a_disk_without_a_place_for_its_file_stops_nobody_who_serves() throws IOException {
    Layout layout = new Layout(folder);
    Files.createDirectory(layout.lock());
    assertThatThrownBy(() -> DirectoryLock.take(layout)).isInstanceOf(IOException.class);
    DirectoryLock lock = DirectoryLock.takeIfTheDiskAllows(layout);
    lock.close();
    assertThat(layout.lock()).isEmptyDirectory();
  }
}
