/** Devices, what they should run, and how a change reaches them: pure policy, no I/O. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet;
