package io.stillhouse.server.operator;

import java.util.Map;
import java.util.function.Supplier;

/**
 * What the server answers about itself.
 *
 * @param parts whether each part serves, by name; healthy when all do. Must not block
 * @param metrics Prometheus' text form; may block
 */
public record Probes(Supplier<Map<String, Boolean>> parts, Supplier<String> metrics) {}
