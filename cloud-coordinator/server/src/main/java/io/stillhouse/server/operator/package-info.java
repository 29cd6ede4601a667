/** The HTTP side for people: the REST API, its description, the console page and metrics. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.operator;
