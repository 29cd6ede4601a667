package io.stillhouse.fleet.port;

import io.stillhouse.fleet.rollout.Quarantine;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.util.List;

/** Digests that must not be offered again; filled through {@link RolloutStore#apply}. */
public interface QuarantineStore {
  List<Quarantine> all();

  boolean contains(Digest digest, HardwareClass hardwareClass);
}
