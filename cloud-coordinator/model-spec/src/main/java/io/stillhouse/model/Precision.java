package io.stillhouse.model;

/** Number format of a model's weights and, for {@link #INT8}, of its activations. */
public enum Precision {
  FP32,
  FP16,
  INT8
}
