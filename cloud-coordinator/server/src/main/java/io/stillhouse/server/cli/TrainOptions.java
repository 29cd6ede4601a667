package io.stillhouse.server.cli;

import io.stillhouse.lab.TrainRequest;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.teacher.PlanOverrides;
import io.stillhouse.lab.teacher.PlanOverrides.DescentOverrides;
import io.stillhouse.lab.teacher.PlanOverrides.RegularisationOverrides;
import io.stillhouse.lab.teacher.PlanOverrides.ViewsOverrides;
import io.stillhouse.model.recipe.Arithmetic;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** What is trained and how. The plan itself checks the values, and says what it expected. */
final class TrainOptions {
  private static final long SEED_DEFAULT = 7;

  @ArgGroup(multiplicity = "1")
  private Start start = new Start();

  /** A network from chance, or a model from its weights on. */
  static final class Start {
    @ArgGroup(exclusive = false)
    private @Nullable Named named;

    @Option(
        names = "--from",
        paramLabel = "DIR",
        description = {
          "Train a model on that the lab made or imported; the rate is then a quarter,",
          "and a fortieth for a network without normalisation."
        })
    private @Nullable Path from;

    TrainRequest.Start chosen() {
      if (from != null) {
        return new TrainRequest.Start.Stored(from);
      }
      Named given = named == null ? new Named() : named;
      return new TrainRequest.Start.Named(given.network, given.width);
    }
  }

  /** A network of the catalogue. */
  static final class Named {
    @Option(
        names = "--network",
        paramLabel = "NAME",
        required = true,
        description = "A name of 'network list'.")
    private String network = "";

    @Option(
        names = "--width",
        paramLabel = "X",
        defaultValue = "1.0",
        description = "Multiple of the channels; default: ${DEFAULT-VALUE}.")
    private double width = 1;
  }

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data.")
  private Optional<Integer> epochs = Optional.empty();

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Seed of everything random; default: " + SEED_DEFAULT + ".")
  private Optional<Long> seed = Optional.empty();

  @Option(names = "--batch", paramLabel = "N", description = "Images of a step; default: 128.")
  private Optional<Integer> batch = Optional.empty();

  @Option(
      names = "--learning-rate",
      paramLabel = "X",
      description = {
        "Highest rate; it rises to it and falls to zero by a cosine; default: 0.2,",
        "a tenth of it for a network without normalisation."
      })
  private Optional<Double> learningRate = Optional.empty();

  @Option(
      names = "--arithmetic",
      paramLabel = "fp32|bf16",
      description = {
        "What convolutions multiply while training; default: fp32. With bf16 a step is",
        "about 1.5 times as fast on a processor that has it, and refused on others."
      })
  private Optional<Arithmetic> arithmetic = Optional.empty();

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description = "Pull of the weights towards zero; default: 0.0005.")
  private Optional<Double> weightDecay = Optional.empty();

  @Option(
      names = "--crop-padding",
      paramLabel = "PIXELS",
      description = "Random shift in each direction; default: an eighth of the side.")
  private Optional<Integer> cropPadding = Optional.empty();

  @Option(
      names = "--flip",
      negatable = true,
      description = "Mirror images at random, or not; default: mirror, except idx: data.")
  private Optional<Boolean> flip = Optional.empty();

  @Option(
      names = "--cutout",
      paramLabel = "PIXELS",
      description = "Side of a square that is hidden at a random place; default: 0, none.")
  private Optional<Integer> cutout = Optional.empty();

  @Option(
      names = "--label-smoothing",
      paramLabel = "X",
      description = "Share of probability spread over all classes; default: 0.")
  private Optional<Double> labelSmoothing = Optional.empty();

  TrainRequest request(DataSpec data, Path out) {
    PlanOverrides plan =
        new PlanOverrides(
            whole(epochs),
            new DescentOverrides(whole(batch), real(learningRate), arithmetic),
            new RegularisationOverrides(
                real(weightDecay),
                real(labelSmoothing),
                new ViewsOverrides(whole(cropPadding), flip, whole(cutout))),
            seed.orElse(SEED_DEFAULT));
    return new TrainRequest(data, start.chosen(), plan, out);
  }

  private static OptionalInt whole(Optional<Integer> given) {
    return given.map(OptionalInt::of).orElseGet(OptionalInt::empty);
  }

  private static OptionalDouble real(Optional<Double> given) {
    return given.map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
  }
}
