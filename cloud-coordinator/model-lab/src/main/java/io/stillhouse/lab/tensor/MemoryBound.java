package io.stillhouse.lab.tensor;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.OptionalLong;

/**
 * How much memory the process may hold before the engine refuses more, which ends a job with one
 * clear line; without a bound the operating system would kill the process instead.
 */
final class MemoryBound {
  /** Read once, when the first native object is made. */
  static final String PROPERTY = "org.bytedeco.javacpp.maxPhysicalBytes";

  /** What is left is for the system and for what else runs beside. */
  private static final double SHARE = 0.9;

  private MemoryBound() {}

  /**
   * Where nobody set a bound, sets one by the memory of the machine or container. The engine's own,
   * four times the Java heap, would have nothing to do with what is there.
   */
  static void suitMachine() {
    if (System.getProperty(PROPERTY) == null
        && ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
      of(system.getTotalMemorySize())
          .ifPresent(bytes -> System.setProperty(PROPERTY, Long.toString(bytes)));
    }
  }

  /** The bound for so many bytes of memory; empty when it is not known how many there are. */
  static OptionalLong of(long memoryBytes) {
    return memoryBytes > 0 ? OptionalLong.of((long) (SHARE * memoryBytes)) : OptionalLong.empty();
  }
}
