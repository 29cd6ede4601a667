package io.stillhouse.lab.tensor;

import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.recipe.Lesson;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
  private static final long IGNORE_NO_LABEL = -100;

  /** Stands in a map for a result that is asked for. */
  private static final Tensor NOTHING = new Tensor();

  private final GraphRunner runner;
  private final Optional<GraphRunner> teacher;
  private final Objective objective;

  /** Maps that the lesson compares; none where it compares logits or vectors alone. */
  private final List<FeaturePairs.Pair> pairs;

  Shard(GraphRunner runner, Optional<GraphRunner> teacher, Objective objective) {
    this.runner = runner;
    this.teacher = teacher;
    this.objective = objective;
    this.pairs =
        teacher.isPresent() && objective.lesson().method().comparesMaps()
            ? FeaturePairs.of(runner.graph(), teacher.get().graph())
            : List.of();
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
    Map<String, Tensor> ofTeacher = new HashMap<>();
    Map<String, Tensor> ofStudent = new HashMap<>();
    teacher.ifPresent(followed -> wish(followed, ofTeacher, ofStudent));
    // A peer's running statistics lag behind weights that change as fast as the student's.
    Pass asked = objective.lesson().method() == Lesson.Method.MUTUAL ? Pass.PEER : Pass.INFERENCE;
    Optional<Tensor> said =
        teacher.map(
            followed ->
                NativeScope.keepingWithoutGradient(
                    () -> followed.forward(images, asked, ofTeacher)));
    Tensor logits = runner.forward(images, Pass.TRAINING, ofStudent);
    Tensor hard =
        torch.cross_entropy_loss(
            logits,
            target,
            new TensorOptional(),
            MEAN,
            IGNORE_NO_LABEL,
            said.isPresent() ? 0 : objective.labelSmoothing());
    if (said.isEmpty()) {
      return hard;
    }
    Lesson lesson = objective.lesson();
    Tensor soft =
        lesson.method() == Lesson.Method.DECOUPLED
            ? SoftLosses.decoupled(
                logits, said.get(), target, lesson.temperature(), lesson.methodWeight())
            : SoftLosses.logits(logits, said.get(), lesson.temperature());
    Tensor loss =
        hard.mul(new Scalar(lesson.hardLossWeight()))
            .add(soft.mul(new Scalar(lesson.softLossWeight())));
    return lesson.method().looksInside()
        ? loss.add(features(ofStudent, ofTeacher).mul(new Scalar(lesson.methodWeight())))
        : loss;
  }

  /** Asks both networks for the results that the lesson compares. */
  private void wish(
      GraphRunner followed, Map<String, Tensor> ofTeacher, Map<String, Tensor> ofStudent) {
    for (FeaturePairs.Pair pair : pairs) {
      ofTeacher.put(pair.teacher(), NOTHING);
      ofStudent.put(pair.student(), NOTHING);
    }
    if (objective.lesson().method() == Lesson.Method.RELATIONAL) {
      ofTeacher.put(FeaturePairs.embedding(followed.graph()), NOTHING);
      ofStudent.put(FeaturePairs.embedding(runner.graph()), NOTHING);
    }
  }

  private Tensor features(Map<String, Tensor> ofStudent, Map<String, Tensor> ofTeacher) {
    if (objective.lesson().method() == Lesson.Method.RELATIONAL) {
      String own = FeaturePairs.embedding(runner.graph());
      String other = FeaturePairs.embedding(teacher.orElseThrow().graph());
      return SoftLosses.relational(
          of(ofStudent, own).flatten(1, -1), of(ofTeacher, other).flatten(1, -1));
    }
    if (objective.lesson().method() == Lesson.Method.HINTS) {
      FeaturePairs.Pair middle = FeaturePairs.middle(pairs);
      return SoftLosses.hint(
          of(ofStudent, middle.student()),
          of(ofTeacher, middle.teacher()),
          parameters().get(middle.student() + TrainingMarks.REGRESSOR));
    }
    return pairs.stream()
        .map(
            pair ->
                SoftLosses.attention(of(ofStudent, pair.student()), of(ofTeacher, pair.teacher())))
        .reduce(Tensor::add)
        .orElseThrow();
  }

  private static Tensor of(Map<String, Tensor> results, String node) {
    return Objects.requireNonNull(results.get(node));
  }

  @Override
  public void close() {
    runner.close();
  }
}
