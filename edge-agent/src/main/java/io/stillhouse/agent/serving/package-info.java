/** Answers inference requests of local applications: the Open Inference Protocol v2 over REST. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.serving;
