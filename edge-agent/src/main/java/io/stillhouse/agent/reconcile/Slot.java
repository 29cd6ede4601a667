package io.stillhouse.agent.reconcile;

import java.util.Locale;

/**
 * A place on disk for one whole bundle. Three of them: the committed model and its fallback are
 * never overwritten, and a trial still has somewhere to be. At rest two are in use.
 */
public enum Slot {
  A,
  B,
  C;

  /** The slot's folder name. */
  public String folder() {
    return name().toLowerCase(Locale.ROOT);
  }
}
