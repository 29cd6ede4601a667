/** The quickstart: the whole story on one machine, told while it happens. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.quickstart;
