package io.stillhouse.lab.tensor;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * What a student loses against a teacher, as means over the batch. Gradients reach the student
 * alone: teachers' tensors come without. Callers hold a scope.
 */
final class SoftLosses {
  private static final long SUM = 2;
  private static final long MEAN = 1;

  /** Takes a class out of a softmax: e^-1000 is zero. */
  private static final double EXCLUDED = -1_000;

  private static final double DISTANCE_WEIGHT = 25;
  private static final double ANGLE_WEIGHT = 50;

  private SoftLosses() {}

  /** T^2 KL(teacher || student) of logits (batch, classes). */
  static Tensor logits(Tensor student, Tensor teacher, double temperature) {
    return divergence(
        torch.log_softmax(student.mul(new Scalar(1 / temperature)), 1),
        torch.softmax(teacher.mul(new Scalar(1 / temperature)), 1),
        temperature);
  }

  /**
   * T^2 (TCKD + beta NCKD): TCKD is the divergence of (target, all others), NCKD that of the others
   * among themselves. Logit distillation is the same with beta = 1 - target probability of the
   * teacher, which is small just where it is sure and has the most to tell. Source: Zhao et al.
   * 2022, arXiv 2203.08679.
   */
  static Tensor decoupled(
      Tensor student, Tensor teacher, Tensor target, double temperature, double beta) {
    Tensor chosen = torch.one_hot(target, student.size(1)).to(torch.ScalarType.Float);
    Tensor s = student.mul(new Scalar(1 / temperature));
    Tensor t = teacher.mul(new Scalar(1 / temperature));
    Tensor targets =
        divergence(
            split(torch.softmax(s, 1), chosen).log(),
            split(torch.softmax(t, 1), chosen),
            temperature);
    Tensor away = chosen.mul(new Scalar(EXCLUDED));
    Tensor others =
        divergence(torch.log_softmax(s.add(away), 1), torch.softmax(t.add(away), 1), temperature);
    return targets.add(others.mul(new Scalar(beta)));
  }

  /** (probability of the target, of all others), kept off zero for the logarithm. */
  private static Tensor split(Tensor shares, Tensor chosen) {
    Tensor of = shares.mul(chosen).sum(1);
    Tensor rest = shares.mul(chosen.mul(new Scalar(-1.0)).add(new Scalar(1.0))).sum(1);
    return torch.stack(new TensorVector(of, rest), 1).add(new Scalar(1e-9));
  }

  private static Tensor divergence(Tensor logStudent, Tensor teacher, double temperature) {
    return torch
        .kl_div(logStudent, teacher, SUM, false)
        .mul(new Scalar(temperature * temperature / logStudent.size(0)));
  }

  /** Mean squared difference of attention maps. Source: arXiv 1612.03928. */
  static Tensor attention(Tensor student, Tensor teacher) {
    return torch.mse_loss(attentionMap(student), attentionMap(teacher), MEAN);
  }

  /** Mean square over channels, as one unit vector per image. */
  private static Tensor attentionMap(Tensor map) {
    Tensor strength = map.mul(map).mean(1L).flatten(1, -1);
    return unit(strength, 1);
  }

  private static Tensor unit(Tensor vectors, long dimension) {
    Tensor length =
        vectors
            .mul(vectors)
            .sum(new long[] {dimension}, true, new ScalarTypeOptional())
            .add(new Scalar(1e-12))
            .sqrt();
    return vectors.div(length);
  }

  /**
   * Huber's loss of distances between the examples of a batch, over their mean, and of the angles
   * that every three of them make. Source: Park et al. 2019, arXiv 1904.05068.
   */
  static Tensor relational(Tensor student, Tensor teacher) {
    Tensor distance = torch.smooth_l1_loss(distances(student), distances(teacher));
    Tensor angle = torch.smooth_l1_loss(angles(student), angles(teacher));
    return distance.mul(new Scalar(DISTANCE_WEIGHT)).add(angle.mul(new Scalar(ANGLE_WEIGHT)));
  }

  private static Tensor distances(Tensor vectors) {
    long n = vectors.size(0);
    Tensor gaps = gaps(vectors);
    // The tiny share keeps the root's slope finite where an example meets itself.
    Tensor lengths = gaps.mul(gaps).sum(2).add(new Scalar(1e-12)).sqrt();
    Tensor mean = lengths.sum().mul(new Scalar(1.0 / Math.max(1, n * (n - 1))));
    return lengths.div(mean.add(new Scalar(1e-12)));
  }

  private static Tensor angles(Tensor vectors) {
    Tensor directions = unit(gaps(vectors), 2);
    return torch.bmm(directions, directions.transpose(1, 2));
  }

  /** (batch, batch, features): from each example to each. */
  private static Tensor gaps(Tensor vectors) {
    return vectors.unsqueeze(0).sub(vectors.unsqueeze(1));
  }

  /** Mean squared difference of the student's projected map from the teacher's. arXiv 1412.6550. */
  static Tensor hint(Tensor student, Tensor teacher, Tensor regressor) {
    return torch.mse_loss(
        Convolution.same(1).apply(student, regressor, new TensorOptional()), teacher, MEAN);
  }
}
