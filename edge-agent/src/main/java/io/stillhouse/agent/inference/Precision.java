package io.stillhouse.agent.inference;

/** Number format that a model computes in. */
public enum Precision {
  FP32,
  FP16,
  INT8
}
