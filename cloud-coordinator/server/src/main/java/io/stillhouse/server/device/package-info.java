/**
 * The port that devices dial: enrolment, sessions, artifacts. Everything on it comes from outside.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.device;
