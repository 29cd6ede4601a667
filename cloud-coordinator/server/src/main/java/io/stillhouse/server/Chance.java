package io.stillhouse.server;

import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Time and chance, which only {@link StillhouseMain} takes from the machine.
 *
 * @param clock this machine's wall clock, for certificates; everything else goes by store time
 * @param nanos monotonic
 */
public record Chance(InstantSource clock, LongSupplier nanos, SecureRandom random) {}
