package io.stillhouse.agent.telemetry;

import java.time.InstantSource;
import java.util.function.LongSupplier;

/** Wall time for stamps and monotonic nanoseconds for spans. */
public record Clocks(InstantSource wall, LongSupplier nanoTicker) {}
