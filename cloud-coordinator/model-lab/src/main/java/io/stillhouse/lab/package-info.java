/** Turns labelled images into a teacher, and a teacher into students for devices. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab;
