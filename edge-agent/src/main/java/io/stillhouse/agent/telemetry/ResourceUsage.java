package io.stillhouse.agent.telemetry;

/**
 * What this process uses and how warm the machine is.
 *
 * @param cpuNanos processor time since the process began, all threads together
 * @param temperatureCelsius NaN where there is no sensor
 */
record ResourceUsage(long cpuNanos, long residentBytes, double temperatureCelsius) {}
