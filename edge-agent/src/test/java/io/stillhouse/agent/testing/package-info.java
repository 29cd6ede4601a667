/** Fakes and fixtures of the agent's tests, written by hand. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.testing;
