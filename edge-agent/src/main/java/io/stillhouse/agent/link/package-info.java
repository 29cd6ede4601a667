/**
 * The device's side of the coordinator's port: it enrols once, holds the standing session, repeats
 * reports until they are acknowledged, and fetches manifests and chunks.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.link;
