package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.teacher.PlanOverrides;
import java.nio.file.Path;

/**
 * Train a network on labelled data, into a new folder.
 *
 * @param start what is trained
 * @param plan where training differs from what suits the data
 */
public record TrainRequest(DataSpec data, Start start, PlanOverrides plan, Path out) {

  /** What is trained. */
  public sealed interface Start {
    /**
     * A network of the catalogue, from chance.
     *
     * @param width multiple of its channels
     */
    record Named(String network, double width) implements Start {}

    /** A model that the lab holds already, from its weights on. */
    record Stored(Path directory) implements Start {}
  }

  /** A network of the catalogue, from chance. */
  public TrainRequest(DataSpec data, String network, double width, PlanOverrides plan, Path out) {
    this(data, new Start.Named(network, width), plan, out);
  }
}
