package io.stillhouse.fleet.port;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.device.DeviceId;
import java.util.Optional;

/** Desired and reported states of devices. Implementations are thread-safe and block. */
public interface DeviceStateStore {
  Optional<DesiredState> desired(DeviceId device);

  Optional<ReportedState> reported(DeviceId device);

  /**
   * Takes a report into account as {@link io.stillhouse.fleet.desired.ReportRule} says, in one
   * transaction; true when the stored state changed. Either way the report may be acknowledged.
   */
  boolean report(Report report);

  /** Remembers a sign of life. May be batched; a lost one is replaced by the next. */
  void heard(DeviceId device, Heartbeat heartbeat);
}
