/**
 * What operators can ask of the coordinator: plain blocking methods whose records serialise to the
 * JSON of the REST contract. The HTTP layer calls these and adds nothing but HTTP.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.service;
