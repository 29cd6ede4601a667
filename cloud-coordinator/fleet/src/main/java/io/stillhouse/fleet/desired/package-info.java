/** What each device should run, what it says it runs, and which of its messages count. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet.desired;
