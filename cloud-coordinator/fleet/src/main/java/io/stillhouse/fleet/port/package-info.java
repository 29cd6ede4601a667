/**
 * What the rollout engine needs from storage. Implementations keep time: every instant is theirs.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet.port;
