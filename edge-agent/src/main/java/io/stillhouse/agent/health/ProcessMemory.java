package io.stillhouse.agent.health;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * Resident memory of a process, as Linux's {@code /proc/self/status} gives it.
 *
 * @param nowBytes VmRSS
 * @param peakBytes VmHWM: the most that was ever resident
 */
record ProcessMemory(OptionalLong nowBytes, OptionalLong peakBytes) {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int DIGITS_MAX = 15;
  private static final long BYTES_PER_KIB = 1_024;

  /** This process, now; empty values where the kernel does not tell. */
  static ProcessMemory read() {
    try {
      return parse(Files.readAllLines(STATUS));
    } catch (IOException e) {
      return new ProcessMemory(OptionalLong.empty(), OptionalLong.empty());
    }
  }

  static ProcessMemory parse(List<String> status) {
    return new ProcessMemory(bytes(status, "VmRSS:"), bytes(status, "VmHWM:"));
  }

  private static OptionalLong bytes(List<String> status, String field) {
    for (String line : status) {
      if (line.startsWith(field)) {
        String digits = line.replaceAll("\\D", "");
        return digits.isEmpty() || digits.length() > DIGITS_MAX
            ? OptionalLong.empty()
            : OptionalLong.of(Long.parseLong(digits) * BYTES_PER_KIB);
      }
    }
    return OptionalLong.empty();
  }

  /**
   * Bytes by which the process had grown at the most since {@code before}; empty when unknown. A
   * peak that is as old as {@code before} says nothing about what came after it.
   */
  OptionalLong growthSince(ProcessMemory before) {
    if (before.nowBytes.isEmpty() || nowBytes.isEmpty()) {
      return OptionalLong.empty();
    }
    long most = nowBytes.getAsLong();
    if (peakBytes.isPresent()
        && before.peakBytes.isPresent()
        && peakBytes.getAsLong() > before.peakBytes.getAsLong()) {
      most = Math.max(most, peakBytes.getAsLong());
    }
    return OptionalLong.of(Math.max(0, most - before.nowBytes.getAsLong()));
  }
}
