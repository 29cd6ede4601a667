package io.stillhouse.server.storage;

/**
 * One line of the audit trail.
 *
 * @param actor who caused it: {@code operator}, {@code engine}, {@code device}, {@code jobs}
 * @param kind what happened, e.g. {@code rollout.paused}
 * @param subject what it happened to, e.g. {@code rollout/ro-1} or {@code device/press-7}
 * @param detail one line for people
 */
public record Event(String actor, String kind, String subject, String detail) {}
