package io.stillhouse.agent.update;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.UpdateState;
import java.util.Optional;

/** Told of every step on record, before the work of the new phase begins. Must not throw. */
public interface UpdateListener {
  /**
   * A state became durable, or what runs in it changed.
   *
   * @param running what answers requests at this moment
   */
  void recorded(UpdateState state, Optional<Digest> running);
}
