package io.stillhouse.model.profile;

/** Instruction set of a device's processor. */
public enum CpuArch {
  X86_64,
  AARCH64,
  ARMV7
}
