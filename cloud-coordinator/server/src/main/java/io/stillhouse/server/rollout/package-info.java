/** Drives rollouts: feeds the policy with facts, stores what it decides, then tells devices. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.rollout;
