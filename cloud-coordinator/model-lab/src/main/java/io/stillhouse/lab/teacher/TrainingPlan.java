package io.stillhouse.lab.teacher;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.Lesson;

/**
 * How a network is trained: SGD with Nesterov momentum, linear warm-up, then a cosine to zero.
 *
 * @param seed of initial order and augmentation; with one thread, equal plans give equal weights
 */
public record TrainingPlan(int epochs, Descent descent, Regularisation regularisation, long seed) {
  /** Longest training, so that a mistyped number does not run for weeks. */
  public static final int EPOCHS_MAX = 2_000;

  private static final int QUICK_EPOCHS = 15;
  private static final int EPOCHS_USUAL_MIN = 10;
  private static final int EPOCHS_USUAL_MAX = 200;
  private static final int USUAL_IMAGES = 1_500_000;
  private static final int USUAL_BATCH = 128;
  private static final int SMALL_BATCH = 16;

  /** Steps of an epoch below which a batch is halved. */
  private static final int EPOCH_STEPS_MIN = 40;

  public TrainingPlan {
    if (epochs < 1 || epochs > EPOCHS_MAX) {
      throw new IllegalArgumentException(
          "epochs: %d (expected: 1 to %d)".formatted(epochs, EPOCHS_MAX));
    }
  }

  /**
   * A step of it.
   *
   * @param batch images of a step
   * @param learningRate peak, for this batch size
   * @param arithmetic what a step computes with
   */
  public record Descent(int batch, double learningRate, Arithmetic arithmetic) {
    public Descent {
      if (batch < 2 || batch > 4096) {
        throw new IllegalArgumentException("batch: " + batch + " (expected: 2 to 4096)");
      }
      if (!(learningRate > 0 && learningRate <= 10)) {
        throw new IllegalArgumentException(
            "learningRate: " + learningRate + " (expected: 0 < rate <= 10)");
      }
    }

    /** In single precision. */
    public Descent(int batch, double learningRate) {
      this(batch, learningRate, Arithmetic.FP32);
    }
  }

  /**
   * What keeps a network from learning its training set by heart.
   *
   * @param weightDecay on weights; biases and normalisation are left alone
   * @param labelSmoothing share of probability spread over all classes
   * @param views how an image is changed each time it is shown
   * @param distillation from a teacher's logits, used when a teacher is given
   */
  public record Regularisation(
      double weightDecay, double labelSmoothing, Views views, Distillation distillation) {
    public Regularisation {
      if (!(weightDecay >= 0 && weightDecay <= 1)) {
        throw new IllegalArgumentException("weightDecay: " + weightDecay + " (expected: 0 to 1)");
      }
      if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
        throw new IllegalArgumentException(
            "labelSmoothing: " + labelSmoothing + " (expected: 0 <= share < 1)");
      }
    }
  }

  /**
   * How an image is changed each time it is shown.
   *
   * @param cropPadding pixels of random shift in each direction
   * @param flip whether images are mirrored at random
   * @param cutout side of the square that is hidden at a random place, in pixels; 0 for none. It
   *     may reach over the edge. Source: DeVries, Taylor 2017, arXiv 1708.04552
   */
  public record Views(int cropPadding, boolean flip, int cutout) {
    /** Widest random shift; beyond it most of a small image would be black. */
    public static final int CROP_PADDING_MAX = 64;

    /** Largest hidden square. */
    public static final int CUTOUT_MAX = 256;

    public Views {
      if (cropPadding < 0 || cropPadding > CROP_PADDING_MAX) {
        throw new IllegalArgumentException(
            "cropPadding: %d (expected: 0 to %d)".formatted(cropPadding, CROP_PADDING_MAX));
      }
      if (cutout < 0 || cutout > CUTOUT_MAX) {
        throw new IllegalArgumentException(
            "cutout: %d (expected: 0 to %d)".formatted(cutout, CUTOUT_MAX));
      }
    }
  }

  /**
   * Learning from a teacher.
   *
   * @param lesson what is learnt
   */
  public record Distillation(Lesson lesson) {
    /** From logits alone. Source: Hinton, Vinyals, Dean 2015, arXiv 1503.02531. */
    public Distillation(double temperature, double softLossWeight) {
      this(Lesson.logits(temperature, softLossWeight));
    }
  }

  /** What serves small images and a short time: the quickstart's own plan. */
  public static TrainingPlan quick(int epochs, long seed) {
    return new TrainingPlan(
        epochs,
        new Descent(USUAL_BATCH, 0.2),
        new Regularisation(5e-4, 0.05, new Views(2, true, 0), new Distillation(4.0, 0.9)),
        seed);
  }

  /**
   * What suits a data set: the quickstart's plan for what ships with the product; for others shift
   * by an eighth of the side (4 pixels of 32, as is usual for CIFAR), no label smoothing, and as
   * many epochs as show about {@value #USUAL_IMAGES} images. Pictures are mirrored, IDX files are
   * not: those often hold digits or letters, which mirrored are others or none.
   *
   * @param images in the training part
   */
  public static TrainingPlan usual(DataSpec.Kind kind, ImageShape shape, int images, long seed) {
    if (kind == DataSpec.Kind.BUILTIN) {
      return quick(QUICK_EPOCHS, seed).forImages(images);
    }
    long epochs = Math.max(EPOCHS_USUAL_MIN, USUAL_IMAGES / Math.max(1, images));
    int side = Math.min(shape.height(), shape.width());
    return new TrainingPlan(
            (int) Math.min(EPOCHS_USUAL_MAX, epochs),
            new Descent(USUAL_BATCH, 0.2),
            new Regularisation(
                5e-4,
                0,
                new Views(Math.min(side / 8, Views.CROP_PADDING_MAX), kind != DataSpec.Kind.IDX, 0),
                new Distillation(4.0, 0.9)),
            seed)
        .forImages(images);
  }

  /**
   * The same for a training set of this size: with few images the batch is smaller, so that an
   * epoch has steps enough to learn and to measure the normalisation by, and the rate falls with it
   * (linear scaling: Goyal et al. 2017, arXiv 1706.02677).
   */
  public TrainingPlan forImages(int images) {
    int smaller = batch();
    while (smaller > SMALL_BATCH && images / smaller < EPOCH_STEPS_MIN) {
      smaller /= 2;
    }
    return with(new Descent(smaller, learningRate() * smaller / batch(), descent.arithmetic()));
  }

  public int batch() {
    return descent.batch();
  }

  public double learningRate() {
    return descent.learningRate();
  }

  private TrainingPlan with(Descent other) {
    return new TrainingPlan(epochs, other, regularisation, seed);
  }

  public TrainingPlan withEpochs(int other) {
    return new TrainingPlan(other, descent, regularisation, seed);
  }

  public TrainingPlan withArithmetic(Arithmetic other) {
    return with(new Descent(batch(), learningRate(), other));
  }

  public TrainingPlan withLearningRate(double other) {
    return with(new Descent(batch(), other, descent.arithmetic()));
  }
}
