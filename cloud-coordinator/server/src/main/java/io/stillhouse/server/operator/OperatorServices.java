package io.stillhouse.server.operator;

import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.service.JobService;
import io.stillhouse.server.service.ModelService;
import io.stillhouse.server.service.RolloutService;
import io.stillhouse.server.telemetry.FleetHealth;

/** What the API answers from. */
public record OperatorServices(
    DeviceDirectory devices,
    ModelService models,
    JobService jobs,
    RolloutService rollouts,
    FleetHealth health) {}
