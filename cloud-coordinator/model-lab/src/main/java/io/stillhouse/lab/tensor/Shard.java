package io.stillhouse.lab.tensor;

import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * The part of a batch that one thread works on: it shares the weights of its runner with the other
 * shards and has gradients of its own. Normalisation sees the shard's images only; the first
 * shard's statistics are the network's. Owns native memory.
 */
final class Shard implements AutoCloseable {
  private static final long MEAN = 1;
  private static final long SUM = 2;
  private static final long IGNORE_NO_LABEL = -100;

  private final GraphRunner runner;
  private final Optional<GraphRunner> teacher;
  private final Objective objective;

  Shard(GraphRunner runner, Optional<GraphRunner> teacher, Objective objective) {
    this.runner = runner;
    this.teacher = teacher;
    this.objective = objective;
  }

  /** Images {@code [from, to)} of a batch. */
  record Range(int from, int to) {
    int count() {
      return to - from;
    }
  }

  ParameterTensors parameters() {
    return runner.parameters();
  }

  /**
   * Leaves in the parameters the gradient of this shard's part of the batch's mean loss, and
   * returns that part.
   */
  float gradients(LabelledBatch batch, Range range) {
    return NativeScope.run(
        () -> {
          parameters().zeroGradients();
          int each = batch.images().length / batch.count();
          FloatPointer pixels = new FloatPointer((long) range.count() * each);
          pixels.put(batch.images(), range.from() * each, range.count() * each);
          LongPointer labels = new LongPointer(range.count());
          labels.put(batch.labels(), range.from(), range.count());
          Tensor images = runner.batch(pixels, range.count());
          Tensor loss =
              loss(images, labels, range.count())
                  .mul(new Scalar((double) range.count() / batch.count()));
          loss.backward();
          return loss.item_float();
        });
  }

  private Tensor loss(Tensor images, LongPointer labels, int count) {
    Tensor target =
        torch.from_blob(labels, new long[] {count}, new TensorOptions(torch.ScalarType.Long));
    Optional<Tensor> soft = teacher.map(followed -> softTargets(followed, images));
    Tensor logits = runner.forward(images, true);
    Tensor hard =
        torch.cross_entropy_loss(
            logits,
            target,
            new TensorOptional(),
            MEAN,
            IGNORE_NO_LABEL,
            soft.isPresent() ? 0 : objective.labelSmoothing());
    if (soft.isEmpty()) {
      return hard;
    }
    double temperature = objective.temperature();
    Tensor divergence =
        torch
            .kl_div(
                torch.log_softmax(logits.mul(new Scalar(1 / temperature)), 1),
                soft.get(),
                SUM,
                false)
            .mul(new Scalar(temperature * temperature / count));
    return hard.mul(new Scalar(1 - objective.softShare()))
        .add(divergence.mul(new Scalar(objective.softShare())));
  }

  private Tensor softTargets(GraphRunner followed, Tensor images) {
    return NativeScope.keepingWithoutGradient(
        () ->
            torch.softmax(
                followed.forward(images, false).mul(new Scalar(1 / objective.temperature())), 1));
  }

  @Override
  public void close() {
    runner.close();
  }
}
