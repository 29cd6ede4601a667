package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Preprocessing;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Bring a model that was trained elsewhere, into a new folder.
 *
 * @param onnx the file
 * @param data what the model is for: its images, its labels in the order of the model's classes
 * @param preprocessing how its training scaled pixels; empty: as measured over the data
 * @param newHead whether the layer that makes the classes is replaced by an untrained one for the
 *     classes of the data
 */
public record ImportRequest(
    Path onnx, DataSpec data, Optional<Preprocessing> preprocessing, boolean newHead, Path out) {}
