/** Who is in the fleet, of which hardware class, and when each device was last heard. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet.device;
