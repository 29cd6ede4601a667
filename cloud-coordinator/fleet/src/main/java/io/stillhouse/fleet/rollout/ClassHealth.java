package io.stillhouse.fleet.rollout;

/** The live measurements of one hardware class in one wave, and what they compare with. */
public record ClassHealth(WaveHealth observed, Baseline baseline) {}
