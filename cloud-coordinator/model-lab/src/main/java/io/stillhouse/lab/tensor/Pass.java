package io.stillhouse.lab.tensor;

/** What images pass through a network for. */
enum Pass {
  /** Running statistics, no dropout. */
  INFERENCE,

  /** The batch's own statistics, which the running ones follow, and dropout. */
  TRAINING,

  /** The batch's own statistics; nothing is changed and nothing drawn. */
  PEER
}
