package io.stillhouse.lab;

import io.stillhouse.lab.evaluate.Evaluation;
import java.nio.file.Path;

/** A finished student: its folder and what was measured of it. */
public record CompressedModel(Path directory, Evaluation evaluation) {}
