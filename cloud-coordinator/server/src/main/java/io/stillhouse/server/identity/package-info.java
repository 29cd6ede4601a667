/**
 * Who is who: the fleet's certificate authority, device certificates, enrolment tokens and the
 * artifact signing key.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.identity;
