/** How a student is made from a teacher: ordered compression steps and a seed, as data. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.model.recipe;
