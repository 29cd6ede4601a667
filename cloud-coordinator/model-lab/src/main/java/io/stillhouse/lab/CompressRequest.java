package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.nio.file.Path;

/**
 * Make one student from a teacher by a recipe, into a new folder.
 *
 * @param threads that training will use, for the record
 */
public record CompressRequest(
    Path teacherDir, CompressionRecipe recipe, DataSpec data, Path out, int threads) {
  /** With one thread, which makes equal students of equal requests. */
  public CompressRequest(Path teacherDir, CompressionRecipe recipe, DataSpec data, Path out) {
    this(teacherDir, recipe, data, out, 1);
  }
}
