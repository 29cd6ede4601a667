/**
 * The whole system, broken on purpose: real coordinators, agents and brokers as processes, killed,
 * starved and lied to in the middle of their work.
 */
@NullMarked
package io.stillhouse.system;

import org.jspecify.annotations.NullMarked;
