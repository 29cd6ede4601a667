package io.stillhouse.server.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Map;

/**
 * What a command sees of the machine that it runs on.
 *
 * @param out what was asked for; with {@code --json} one document and nothing else
 * @param err everything else: progress and errors
 * @param terminal whether {@code err} is a terminal, so that a line may be drawn over
 * @param environment variables of the process
 * @param pause how long polling waits between two looks
 */
public record Surroundings(
    PrintWriter out,
    PrintWriter err,
    boolean terminal,
    Map<String, String> environment,
    Duration pause) {}
