/**
 * What a model is: digests, artifacts, evaluations and how they came to be, as immutable records.
 *
 * <p>Everything here is plain JDK, so that the lab, the fleet policy and the server can speak of
 * the same things without sharing a framework.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.model;
