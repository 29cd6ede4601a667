package io.stillhouse.server.training;

import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import java.util.List;

/**
 * What a job's row says beside its model version. Paths are relative to the models directory, so
 * that a data directory can be moved.
 */
final class LabOrders {
  private LabOrders() {}

  /** Make a student for each target. */
  record TailorOrder(List<ClassOrder> classes) {
    TailorOrder {
      classes = List.copyOf(classes);
    }
  }

  /** A class, the profile of its slowest device, and what its student may lose. */
  record ClassOrder(String hardwareClass, HardwareProfile profile, double accuracyDropMax) {}

  /** Make a harmed twin of each student. */
  record HarmOrder(List<TwinOrder> twins) {
    HarmOrder {
      twins = List.copyOf(twins);
    }
  }

  /** A class, the folder of its student, and the limits of its artifact. */
  record TwinOrder(String hardwareClass, String studentDirectory, DeviceLimits limits) {}
}
