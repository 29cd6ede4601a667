package io.stillhouse.server.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.server.failure.CoordinatorException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DownloadsTest {
  private static final DeviceId A = new DeviceId("a");

  private final AtomicLong nanos = new AtomicLong(7);
  private final Downloads downloads = new Downloads(nanos::get);

  @Test
  void one_device_holds_a_few_places_and_gives_them_back_once() {
    List<Downloads.Download> mine = new ArrayList<>();
    for (int i = 0; i < Downloads.PER_DEVICE_MAX; i++) {
      mine.add(downloads.begin(A));
    }
    assertThatThrownBy(() -> downloads.begin(A))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("of this device");
    downloads.begin(new DeviceId("b")).close();
    mine.get(0).close();
    mine.get(0).close();
    mine.add(downloads.begin(A));
    assertThatThrownBy(() -> downloads.begin(A)).isInstanceOf(CoordinatorException.class);
  }

  @Test
  void what_stands_still_is_ended_and_counts_against_its_device_alone_until_it_is_gone() {
    List<Status> ended = new ArrayList<>();
    List<Downloads.Download> all = new ArrayList<>();
    for (int i = 0; i < Downloads.TOTAL_MAX; i++) {
      Downloads.Download download =
          downloads.begin(new DeviceId("d" + i / Downloads.PER_DEVICE_MAX));
      download.endedBy(ended::add);
      all.add(download);
    }
    assertThatThrownBy(() -> downloads.begin(A)).isInstanceOf(CoordinatorException.class);

    nanos.addAndGet(Downloads.STALL_MAX.toNanos());
    all.get(0).progressed();
    downloads.endStalled();
    assertThat(ended).isEmpty();
    nanos.incrementAndGet();
    downloads.endStalled();
    downloads.endStalled();
    assertThat(ended)
        .hasSize(Downloads.TOTAL_MAX - 1)
        .allMatch(status -> status.getCode() == Status.Code.DEADLINE_EXCEEDED);
    downloads.begin(A).close();
    DeviceId stuck = new DeviceId("d1");
    assertThatThrownBy(() -> downloads.begin(stuck)).hasMessageContaining("of this device");
    all.get(Downloads.PER_DEVICE_MAX).close();
    downloads.begin(stuck).close();
  }

  @Test
  void reports_are_taken_at_a_pace_and_each_device_has_its_own() {
    ReportPace pace = new ReportPace(nanos::get);
    for (int i = 0; i < ReportPace.BURST_MAX; i++) {
      pace.count(A);
    }
    assertThatThrownBy(() -> pace.count(A))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("device a");
    pace.count(new DeviceId("b"));
    nanos.addAndGet(ReportPace.INTERVAL.toNanos());
    pace.count(A);
    assertThatThrownBy(() -> pace.count(A)).isInstanceOf(CoordinatorException.class);
  }
}
