/**
 * The networks that can be named: families written as block tables, turned into graphs for any
 * input, number of classes and width.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.model.network;
