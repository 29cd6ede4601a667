/** Labelled images from anywhere, read once into one kind of dataset. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.data;
