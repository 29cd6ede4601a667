package io.stillhouse.lab;

import io.stillhouse.lab.compress.DataTrainer;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.UnfinishedRun;
import io.stillhouse.lab.tailor.TailorReport;
import io.stillhouse.lab.teacher.Trainer;
import io.stillhouse.lab.tensor.TensorRuntime;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * The lab as a whole: requests in, finished folders out. Every output appears whole or not at all.
 * Training and compression that were cut off, even by {@code kill -9}, go on from their last
 * checkpoint when the same request is made again; see {@link UnfinishedRun}.
 *
 * <p>Bad input is a {@link LabException} of one line; a request that was told to stop ends with a
 * {@link CancelledException}. Used by one thread. The native engine is loaded by the first training
 * only.
 */
public final class ModelLab {
  private final LabSettings settings;
  private final Evaluator evaluator;
  private Optional<TensorRuntime> runtime = Optional.empty();

  /**
   * A lab that has not loaded anything yet.
   *
   * @param nanos a monotonic clock in nanoseconds
   */
  public ModelLab(LabSettings settings, LongSupplier nanos) {
    this.settings = settings;
    this.evaluator = new Evaluator(nanos);
  }

  /** Trains a network on labelled images. */
  public TrainedModel train(TrainRequest request, Progress progress) {
    return new TeacherMaking(() -> new Trainer(runtime()), evaluator).train(request, progress);
  }

  /** Takes in a model that was trained elsewhere. */
  public Evaluation importModel(ImportRequest request, Progress progress) {
    return new ModelImport(evaluator).run(request, progress);
  }

  /** Makes a student from a teacher by a recipe. */
  public CompressedModel compress(CompressRequest request, Progress progress) {
    Preprocessing preprocessing = ModelStore.read(request.teacherDir()).preprocessing();
    try (UnfinishedRun run = UnfinishedRun.open(request.out())) {
      StudentMaking making =
          new StudentMaking(
              data -> {
                run.claim(arguments(request, data.digest().shortForm()));
                return new DataTrainer(
                    runtime(), data, preprocessing, Optional.of(run.checkpoints()));
              },
              evaluator);
      CompressedModel made = making.compress(request, progress);
      run.finish();
      progress.report("done", 1, "");
      return made;
    }
  }

  /** A convolution that training would get wrong on this processor; empty when there is none. */
  public Optional<String> wrongConvolution() {
    return TensorRuntime.wrongConvolution(settings.nativeCacheDir());
  }

  /** Measures a folder that the lab made, or a bare ONNX file. */
  public Evaluation evaluate(Path directoryOrFile, DataSpec data, Progress progress) {
    return evaluator.evaluate(directoryOrFile, data.load(), progress);
  }

  /** Makes a student for every hardware class. */
  public TailorReport tailor(TailorRequest request, Progress progress) {
    Preprocessing preprocessing = ModelStore.read(request.teacherDir()).preprocessing();
    Path checkpoints =
        settings.checkpoints().orElse(request.out().resolve("work").resolve("checkpoints"));
    return new StudentMaking(
            data -> new DataTrainer(runtime(), data, preprocessing, Optional.of(checkpoints)),
            evaluator)
        .tailor(request, settings.threads(), progress);
  }

  /** Makes harmed twins of students. */
  public List<CompressedModel> harm(HarmRequest request, Progress progress) {
    return new StudentMaking(
            data -> {
              throw new IllegalStateException("harm trains nothing");
            },
            evaluator)
        .harm(request, progress);
  }

  private TensorRuntime runtime() {
    TensorRuntime ready =
        runtime.orElseGet(() -> TensorRuntime.start(settings.threads(), settings.nativeCacheDir()));
    runtime = Optional.of(ready);
    return ready;
  }

  private static Map<String, String> arguments(CompressRequest request, String dataContent) {
    Map<String, String> arguments = new LinkedHashMap<>();
    arguments.put("teacher", ModelStore.weightsDigest(request.teacherDir()).shortForm());
    arguments.put("data", request.data().toString());
    arguments.put("data content", dataContent);
    for (int i = 0; i < request.recipe().steps().size(); i++) {
      arguments.put("step " + (i + 1), request.recipe().steps().get(i).toString());
    }
    arguments.put("seed", Long.toString(request.recipe().seed()));
    arguments.put("arithmetic", request.recipe().arithmetic().word());
    return arguments;
  }
}
