package io.stillhouse.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.FakeDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NoticesTest {
  private final FakeDisk disk = new FakeDisk();
  private final Layout layout = new Layout(Path.of("/agent"));
  private final Notices notices = new Notices(disk, layout);

  @BeforeEach
  void directory() {
    disk.createDirectories(layout.root());
  }

  private String port() throws IOException {
    return new String(disk.read(layout.restPort(), 10), StandardCharsets.US_ASCII);
  }

  @Test
  void what_a_full_disk_refused_is_written_once_there_is_room_and_the_newest_of_it()
      throws Exception {
    disk.fullFrom(0);
    notices.port(4711);
    notices.state("press-6", UpdateState.FRESH, Optional.empty());
    notices.state("press-7", UpdateState.FRESH, Optional.empty());
    notices.retry();
    assertThat(disk.exists(layout.restPort())).isFalse();
    assertThat(disk.exists(layout.status())).isFalse();
    disk.fullFrom(Long.MAX_VALUE);
    notices.retry();
    assertThat(port()).isEqualTo("4711");
    assertThat(new StatusFile(disk, layout.status()).read().orElseThrow().path("deviceId").asText())
        .isEqualTo("press-7");
    long operations = disk.operations();
    notices.retry();
    assertThat(disk.operations()).as("nothing is owed any more").isEqualTo(operations);
  }

  @Test
  void a_port_of_an_earlier_start_is_not_left_for_this_one() throws Exception {
    notices.port(4711);
    disk.fullFrom(0);
    new Notices(disk, layout).port(4712);
    assertThat(disk.exists(layout.restPort())).isFalse();
  }
}
