package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.proto.device.v1.Report;
import org.junit.jupiter.api.Test;

class OutboxTest {
  private final Outbox outbox = new Outbox();

  @Test
  void reports_wait_in_order_until_they_are_acknowledged() {
    add(3);
    assertThat(outbox.after(0)).extracting(Report::getSeq).containsExactly(1L, 2L, 3L);
    assertThat(outbox.after(2)).extracting(Report::getSeq).containsExactly(3L);
    outbox.acknowledged(2);
    outbox.acknowledged(99);
    assertThat(outbox.after(0)).extracting(Report::getSeq).containsExactly(1L, 3L);
  }

  @Test
  void a_message_that_does_not_wait_takes_a_place_of_its_own() {
    add(1);
    assertThat(outbox.nextSeq()).isEqualTo(2);
    add(1);
    assertThat(outbox.after(0)).extracting(Report::getSeq).containsExactly(1L, 3L);
  }

  @Test
  void beyond_the_bound_the_oldest_goes() {
    add(Outbox.REPORTS_MAX + 2);
    assertThat(outbox.after(0))
        .hasSize(Outbox.REPORTS_MAX)
        .first()
        .extracting(Report::getSeq)
        .isEqualTo(3L);
  }

  private void add(int reports) {
    for (int i = 0; i < reports; i++) {
      outbox.add(Report.newBuilder());
    }
  }
}
