/**
 * Decides whether a new model is believed: a self-test in a child process on golden inputs, then
 * probation on live ones.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.health;
