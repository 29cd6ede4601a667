package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.teacher.PlanOverrides;
import java.nio.file.Path;

/**
 * Train a network of the catalogue on labelled data, into a new folder.
 *
 * @param network a name of the catalogue
 * @param width multiple of its channels
 * @param plan where training differs from what suits the data
 */
public record TrainRequest(
    DataSpec data, String network, double width, PlanOverrides plan, Path out) {}
