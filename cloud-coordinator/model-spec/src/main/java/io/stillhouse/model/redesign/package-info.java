/**
 * The four strategies of lightweight design as transforms of any graph: smaller kernels, fewer
 * input channels, decomposed convolutions, narrower convolutions. Each states what it costs before
 * and after; what it makes has to be trained.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.model.redesign;
