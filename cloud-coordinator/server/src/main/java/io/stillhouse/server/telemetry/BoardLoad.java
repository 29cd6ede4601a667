package io.stillhouse.server.telemetry;

import java.util.OptionalDouble;

/**
 * Sums of what device windows tell about their boards; adding is associative and commutative.
 *
 * @param windows that told processor and memory
 * @param cpuShareSum shares of one core
 * @param temperatureWindows that told a temperature; many boards have no sensor
 */
public record BoardLoad(
    long windows,
    double cpuShareSum,
    double residentBytesSum,
    long temperatureWindows,
    double temperatureCelsiusSum) {
  public static final BoardLoad NONE = new BoardLoad(0, 0, 0, 0, 0);

  private static final double CPU_SHARE_MAX = 4_096;
  private static final double CELSIUS_MIN = -100;
  private static final double CELSIUS_MAX = 250;

  /**
   * What one window tells. It is no evidence about a model, so a value that cannot be is left out
   * and the window is not refused for it.
   */
  static BoardLoad of(double cpuShare, long residentBytes, double temperatureCelsius) {
    boolean told =
        cpuShare >= 0
            && cpuShare <= CPU_SHARE_MAX
            && residentBytes > 0
            && residentBytes <= TelemetryMapper.COUNT_MAX;
    boolean warm = told && temperatureCelsius >= CELSIUS_MIN && temperatureCelsius <= CELSIUS_MAX;
    return new BoardLoad(
        told ? 1 : 0,
        told ? cpuShare : 0,
        told ? (double) residentBytes : 0,
        warm ? 1 : 0,
        warm ? temperatureCelsius : 0);
  }

  BoardLoad plus(BoardLoad other) {
    return new BoardLoad(
        windows + other.windows,
        cpuShareSum + other.cpuShareSum,
        residentBytesSum + other.residentBytesSum,
        temperatureWindows + other.temperatureWindows,
        temperatureCelsiusSum + other.temperatureCelsiusSum);
  }

  public OptionalDouble cpuShare() {
    return mean(cpuShareSum, windows);
  }

  public OptionalDouble residentBytes() {
    return mean(residentBytesSum, windows);
  }

  public OptionalDouble temperatureCelsius() {
    return mean(temperatureCelsiusSum, temperatureWindows);
  }

  private static OptionalDouble mean(double sum, long count) {
    return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
  }
}
