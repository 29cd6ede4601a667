package io.stillhouse.quickstart;

import java.util.List;

/**
 * One of the story's three boards. The limits are simulated, and they bind: the agent runs
 * inference with that many threads, and refuses a model that breaks the file, memory or latency
 * limit.
 *
 * @param latencyMicrosMax p99 that the application on the board tolerates
 */
record Board(
    String name, int threads, long fileBytesMax, long memoryBytesMax, long latencyMicrosMax) {

  /** A small, a middle and a large board. */
  static List<Board> three() {
    return List.of(
        new Board("small", 1, 48L << 10, 48L << 20, 100_000),
        new Board("middle", 1, 96L << 10, 64L << 20, 60_000),
        new Board("large", 2, 4L << 20, 128L << 20, 40_000));
  }

  /** The agent's configuration file for this board. */
  String agentYaml() {
    return """
        name: edge-%s
        rest: {host: 127.0.0.1, port: 0}
        telemetry: {windowMillis: 1000}
        limits:
          board: sim-%s
          inferenceThreads: %d
          memoryBytesMax: %d
          fileBytesMax: %d
          latencyP99MicrosMax: %d
          simulated: true
        """
        .formatted(name, name, threads, memoryBytesMax, fileBytesMax, latencyMicrosMax);
  }
}
