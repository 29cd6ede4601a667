package io.stillhouse.lab.teacher;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.tensor.Bf16Support;
import io.stillhouse.lab.tensor.GraphRunner;
import io.stillhouse.lab.tensor.LabelledBatch;
import io.stillhouse.lab.tensor.Objective;
import io.stillhouse.lab.tensor.SgdTrainer;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.Lesson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The networks that one training changes: the student, and in mutual learning its peer, which
 * follows the student as the student follows it. Owns native memory. Used by one thread.
 */
final class Learners implements AutoCloseable {
  /** Before the names of the peer's weights in a checkpoint. */
  private static final String PEER = "peer:";

  private final Network initial;
  private final GraphRunner student;
  private final Optional<GraphRunner> followed;
  private final List<SgdTrainer> trainers = new ArrayList<>();

  Learners(TensorRuntime runtime, TrainingTask task, Optional<Checkpoint> earlier) {
    TrainingPlan.Regularisation habits = task.plan().regularisation();
    Lesson lesson = habits.distillation().lesson();
    boolean mutual = lesson.method() == Lesson.Method.MUTUAL;
    Objective objective = new Objective(habits.labelSmoothing(), lesson);
    Arithmetic arithmetic = task.plan().descent().arithmetic();
    Bf16Support.require(arithmetic);
    this.initial = task.initial();
    this.student =
        new GraphRunner(
            runtime, earlier.map(at -> own(initial, at.weights())).orElse(initial), arithmetic);
    this.followed =
        task.teacher()
            .filter(teacher -> lesson.follows())
            .map(
                teacher ->
                    new GraphRunner(
                        runtime,
                        mutual
                            ? earlier.map(at -> peer(teacher, at.weights())).orElse(teacher)
                            : teacher,
                        arithmetic));
    trainers.add(new SgdTrainer(student, followed, objective, habits.weightDecay(), arithmetic));
    if (mutual) {
      followed.ifPresent(
          peer ->
              trainers.add(
                  new SgdTrainer(
                      peer, Optional.of(student), objective, habits.weightDecay(), arithmetic)));
    }
    earlier.ifPresent(
        at -> {
          trainers.get(0).restore(own(initial, at.momentum()).weights());
          if (trainers.size() > 1) {
            trainers.get(1).restore(peer(initial, at.momentum()).weights());
          }
        });
  }

  private static Network own(Network like, Weights saved) {
    Weights.Builder own = Weights.builder();
    for (String name : saved.names()) {
      if (!name.startsWith(PEER)) {
        own.put(name, saved.values(name), saved.shape(name));
      }
    }
    return new Network(like.graph(), own.build());
  }

  private static Network peer(Network like, Weights saved) {
    Weights.Builder peer = Weights.builder();
    for (String name : saved.names()) {
      if (name.startsWith(PEER)) {
        peer.put(name.substring(PEER.length()), saved.values(name), saved.shape(name));
      }
    }
    return new Network(like.graph(), peer.build());
  }

  /** One step of everybody on the same images; returns the student's loss before it. */
  float step(LabelledBatch batch, double learningRate, long seed) {
    float loss = trainers.get(0).step(batch, learningRate, seed);
    for (SgdTrainer peer : trainers.subList(1, trainers.size())) {
      peer.step(batch, learningRate, ~seed);
    }
    return loss;
  }

  /** The student as it is now. */
  Network student() {
    return new Network(initial.graph(), student.weights());
  }

  /** Everything that a later run needs to go on from here. */
  Checkpoint checkpoint(String task, long step) {
    Weights weights = student.weights();
    Weights momentum = trainers.get(0).momentum();
    if (trainers.size() == 1) {
      return new Checkpoint(task, step, weights, momentum);
    }
    return new Checkpoint(
        task,
        step,
        with(weights, followed.orElseThrow().weights()),
        with(momentum, trainers.get(1).momentum()));
  }

  private static Weights with(Weights own, Weights ofPeer) {
    Weights.Builder all = own.toBuilder();
    for (String name : ofPeer.names()) {
      all.put(PEER + name, ofPeer.values(name), ofPeer.shape(name));
    }
    return all.build();
  }

  @Override
  public void close() {
    trainers.forEach(SgdTrainer::close);
    followed.ifPresent(GraphRunner::close);
    student.close();
  }
}
