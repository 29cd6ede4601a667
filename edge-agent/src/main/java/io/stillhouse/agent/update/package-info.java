/**
 * Carries out, step by step, what {@code reconcile} decides: the one thread that owns the slots.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.update;
