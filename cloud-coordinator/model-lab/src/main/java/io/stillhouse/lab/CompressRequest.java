package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.nio.file.Path;

/** Make one student from a teacher by a recipe, into a new folder. */
public record CompressRequest(Path teacherDir, CompressionRecipe recipe, DataSpec data, Path out) {}
