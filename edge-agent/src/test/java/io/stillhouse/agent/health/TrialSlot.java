package io.stillhouse.agent.health;

import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.artifact.ManifestMapper;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.Precision;
import io.stillhouse.agent.inference.Preprocessing;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.agent.testing.TinyModels;
import io.stillhouse.proto.model.v1.Golden;
import io.stillhouse.proto.model.v1.GoldenExample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A bundle as it lies in a slot. */
record TrialSlot(Path path, BundlePlan plan) {
  static TrialSlot of(Path path, TestBundle bundle) throws IOException, ArtifactRefusedException {
    Files.createDirectories(path);
    for (String file : List.of(BundlePlan.MODEL, BundlePlan.GOLDEN)) {
      Files.write(path.resolve(file), bundle.file(file));
    }
    return new TrialSlot(path, ManifestMapper.read(bundle.manifest()));
  }

  /** A bundle of one of the {@link TinyModels} and one golden example for it. */
  static TestBundle ofTinyModel(byte[] model, List<Float> input, List<Float> output) {
    byte[] golden =
        Golden.newBuilder()
            .setInputFloats(TinyModels.INPUT_ELEMENTS)
            .setOutputFloats(TinyModels.CLASSES)
            .setToleranceAbs(1e-3f)
            .setArgmaxAgreementMin(1)
            .addExamples(GoldenExample.newBuilder().addAllInput(input).addAllOutput(output))
            .build()
            .toByteArray();
    return TestBundle.ofFiles(
        Map.of(BundlePlan.MODEL, model, BundlePlan.GOLDEN, golden),
        manifest -> manifest.getPreprocessingBuilder().setHeight(2).setWidth(2));
  }

  /** A bundle whose self-test never ends. */
  static TestBundle hanging() {
    return ofTinyModel(TinyModels.loop(), List.of(1e12f, 0f, 0f, 0f), List.of(0f, 0f, 0f));
  }

  /** What a host is given of it. */
  LoadedSlot loaded() {
    FilePlan model = plan.file(BundlePlan.MODEL);
    BundlePlan.InputShape input = plan.facts().input();
    return new LoadedSlot(
        plan.digest().sha256Hex(),
        new LoadedSlot.ModelFile(path.resolve(BundlePlan.MODEL), model.sha256Hex()),
        new LoadedSlot.ModelCard(
            plan.release().model(),
            plan.release().version(),
            plan.facts().labels(),
            new Preprocessing(
                input.channels(), input.height(), input.width(), List.of(0.5f), List.of(0.25f)),
            Precision.FP32),
        new LoadedSlot.Placement("rollout", 1, plan.terms().hardwareClass()),
        true);
  }
}
