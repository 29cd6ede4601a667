package io.stillhouse.server.cli;

import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** A recipe from a file, and where this run differs from it. */
final class RecipeOptions {
  @Option(
      names = "--recipe",
      paramLabel = "FILE.yaml",
      required = true,
      description = "Steps: distill, redesign, prune, lowRank, sparsify, cluster, quantize.")
  private Path file = Path.of("");

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Seed of everything random; default: the recipe's own.")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--arithmetic",
      paramLabel = "fp32|bf16",
      description = "What its training multiplies, as for 'lab train'; default: the recipe's own.")
  private Optional<Arithmetic> arithmetic = Optional.empty();

  CompressionRecipe recipe() {
    CompressionRecipe read = read();
    return new CompressionRecipe(
        seed.orElse(read.seed()), arithmetic.orElse(read.arithmetic()), read.steps());
  }

  private CompressionRecipe read() {
    try {
      return RecipeYaml.parse(file.toString(), Files.readString(file));
    } catch (IllegalArgumentException e) {
      throw CliException.ofUsage(
          "cannot use this recipe", String.valueOf(e.getMessage()), "correct the file");
    } catch (IOException e) {
      String why = e.getMessage() == null ? e.toString() : e.getMessage();
      if (e instanceof NoSuchFileException) {
        why = "there is no such file";
      } else if (e instanceof MalformedInputException) {
        why = "it is no UTF-8 text";
      }
      throw new CliException("cannot read recipe " + file, why, "name a recipe with --recipe");
    }
  }
}
