package io.stillhouse.agent.update;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.UpdateState;
import java.util.Optional;

/** Told of every step, before the work of the new phase begins. Must not throw. */
public interface UpdateListener {
  /**
   * A state became durable, or what runs in it changed. The first state after a start is told even
   * when the disk refuses it.
   *
   * @param running what answers requests at this moment
   */
  void recorded(UpdateState state, Optional<Digest> running);

  /** The updater looks around, as it does at least once a minute when it is not busy. */
  default void lookedAround() {}
}
