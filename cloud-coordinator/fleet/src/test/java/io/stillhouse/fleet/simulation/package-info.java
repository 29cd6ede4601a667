/** A fleet in memory: ports, devices and a clock that moves only when told to. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet.simulation;
