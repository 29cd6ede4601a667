/**
 * Decides the next step of a model update from what is wanted, what is on record and what was seen.
 * Pure: no files, no network, no clock, nothing but the JDK.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.reconcile;
