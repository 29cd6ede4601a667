package io.stillhouse.agent.link;

import io.stillhouse.agent.reconcile.Desired;

/** Told of what comes over the link, on the link's threads. Must neither block nor throw. */
public interface LinkListener {
  /** A session stands. */
  void welcomed(Welcomed welcome);

  /** The coordinator named what it wants; possibly the same as before. */
  void wished(Desired desired);
}
