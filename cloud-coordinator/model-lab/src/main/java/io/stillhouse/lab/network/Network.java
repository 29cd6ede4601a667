package io.stillhouse.lab.network;

import io.stillhouse.model.graph.NetworkGraph;

/** A graph together with the weights that its layers name. */
public record Network(NetworkGraph graph, Weights weights) {}
