/**
 * A network as data: layers, the graph they form, and what that graph costs.
 *
 * <p>From one {@link io.stillhouse.model.graph.NetworkGraph} come the training graph, the cost
 * figures and the ONNX file, so the three cannot disagree about what the network is.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.model.graph;
