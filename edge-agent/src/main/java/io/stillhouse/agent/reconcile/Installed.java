package io.stillhouse.agent.reconcile;

/** A verified bundle in its slot. */
public record Installed(Slot slot, Digest digest, Release release) {}
