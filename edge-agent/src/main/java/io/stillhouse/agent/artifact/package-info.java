/**
 * Bundles on this device: fetched chunk by chunk, verified, screened, kept in slots, and recorded
 * in a journal that a power cut cannot spoil. Nothing here trusts a byte that it has not checked.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.artifact;
