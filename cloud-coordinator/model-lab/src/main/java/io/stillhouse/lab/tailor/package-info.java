/**
 * Finds a student for every hardware class: which candidates there are, what each would cost on a
 * device, which one to make, and whether the one that was made keeps the promise.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.tailor;
