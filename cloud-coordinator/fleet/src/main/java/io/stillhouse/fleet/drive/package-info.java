/** Carries decisions out: reads what is on record, asks the policy, stores the answer. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.fleet.drive;
