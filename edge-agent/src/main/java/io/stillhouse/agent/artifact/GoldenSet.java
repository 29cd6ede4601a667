package io.stillhouse.agent.artifact;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.proto.model.v1.Golden;
import io.stillhouse.proto.model.v1.GoldenExample;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * A golden file, read one example at a time so that a small heap is enough: inputs with the outputs
 * that the coordinator's runtime gave.
 *
 * @param examples how many were read
 * @param toleranceAbs how far an output may be off
 * @param argmaxAgreementMin share of examples whose arg-max must agree, 0..1
 */
public record GoldenSet(int examples, double toleranceAbs, double argmaxAgreementMin) {
  private static final int EXAMPLES_MAX = 256;

  /** Takes one example; both lists have the lengths of the plan and only finite values. */
  public interface Taker {
    void take(List<Float> input, List<Float> output) throws IOException;
  }

  /**
   * Reads a golden file against the manifest it came with.
   *
   * @throws ArtifactRefusedException {@code MALFORMED}
   * @throws IOException when the file cannot be read
   */
  public static GoldenSet read(InputStream in, BundlePlan.ModelFacts facts, Taker taker)
      throws ArtifactRefusedException, IOException {
    CodedInputStream coded = CodedInputStream.newInstance(in);
    int inputFloats = 0;
    int outputFloats = 0;
    int examples = 0;
    float tolerance = 0;
    float agreement = 0;
    try {
      for (int tag = coded.readTag(); tag != 0; tag = coded.readTag()) {
        switch (tag) {
          case (Golden.INPUT_FLOATS_FIELD_NUMBER << 3) -> inputFloats = coded.readInt32();
          case (Golden.OUTPUT_FLOATS_FIELD_NUMBER << 3) -> outputFloats = coded.readInt32();
          case (Golden.EXAMPLES_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED) -> {
            check(++examples <= EXAMPLES_MAX, "more than %d examples".formatted(EXAMPLES_MAX));
            example(coded, facts, taker);
          }
          case (Golden.TOLERANCE_ABS_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_FIXED32) ->
              tolerance = coded.readFloat();
          case (Golden.ARGMAX_AGREEMENT_MIN_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_FIXED32) ->
              agreement = coded.readFloat();
          default ->
              throw malformed("field %d is unknown".formatted(WireFormat.getTagFieldNumber(tag)));
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw malformed("not a protobuf message: " + e.getMessage());
    }
    check(examples > 0, "no examples");
    check(
        inputFloats == facts.input().floats() && outputFloats == facts.labels().size(),
        "made for %d inputs and %d outputs (expected: %d and %d)"
            .formatted(inputFloats, outputFloats, facts.input().floats(), facts.labels().size()));
    check(
        Float.isFinite(tolerance) && tolerance >= 0 && agreement >= 0 && agreement <= 1,
        "tolerance %s, agreement %s (expected: >= 0, 0..1)".formatted(tolerance, agreement));
    return new GoldenSet(examples, tolerance, agreement);
  }

  private static void example(CodedInputStream coded, BundlePlan.ModelFacts facts, Taker taker)
      throws ArtifactRefusedException, IOException {
    int length = coded.readRawVarint32();
    long floats = (long) facts.input().floats() + facts.labels().size();
    // Packed floats, two tags and two lengths.
    check(length >= 0 && length <= 4 * floats + 16, "an example of %d bytes".formatted(length));
    GoldenExample example = GoldenExample.parseFrom(coded.readRawBytes(length));
    check(
        example.getInputCount() == facts.input().floats()
            && example.getOutputCount() == facts.labels().size(),
        "an example with %d inputs and %d outputs (expected: %d and %d)"
            .formatted(
                example.getInputCount(),
                example.getOutputCount(),
                facts.input().floats(),
                facts.labels().size()));
    check(
        finite(example.getInputList()) && finite(example.getOutputList()),
        "an example with values that are not finite");
    taker.take(example.getInputList(), example.getOutputList());
  }

  private static boolean finite(List<Float> values) {
    return values.stream().allMatch(Float::isFinite);
  }

  private static void check(boolean holds, String otherwise) throws ArtifactRefusedException {
    if (!holds) {
      throw malformed(otherwise);
    }
  }

  private static ArtifactRefusedException malformed(String detail) {
    return ArtifactRefusedException.permanent(
        RefusalReason.MALFORMED, "%s: %s".formatted(BundlePlan.GOLDEN, detail));
  }
}
