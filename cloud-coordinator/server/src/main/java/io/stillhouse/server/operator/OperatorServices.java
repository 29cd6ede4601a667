package io.stillhouse.server.operator;

import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.service.JobService;
import io.stillhouse.server.service.LabClaims;
import io.stillhouse.server.service.ModelService;
import io.stillhouse.server.service.RolloutService;
import io.stillhouse.server.telemetry.FleetHealth;

/** What the API answers from. */
public record OperatorServices(
    DeviceDirectory devices,
    ModelService models,
    Lab lab,
    RolloutService rollouts,
    FleetHealth health) {

  /** The lab's queue, for people and for workers. */
  public record Lab(JobService jobs, LabClaims claims) {}
}
