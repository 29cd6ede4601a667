package io.stillhouse.fleet.device;

/** How recently a device was heard. */
public enum Liveness {
  ONLINE,
  /** Silent for longer than a few heartbeats; nothing is concluded from it. */
  STALE,
  /** Silent for so long that a device on trial counts as failed. */
  LOST,
  NEVER_SEEN
}
