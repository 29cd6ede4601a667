package io.stillhouse.agent.artifact;

import static io.stillhouse.agent.testing.TinyOnnx.message;
import static io.stillhouse.agent.testing.TinyOnnx.node;
import static io.stillhouse.agent.testing.TinyOnnx.tensor;
import static io.stillhouse.agent.testing.TinyOnnx.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.agent.testing.TinyOnnx;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxScreenTest {
  private static void check(byte[] bytes) throws ArtifactRefusedException, IOException {
    OnnxScreen.check(new ByteArrayInputStream(bytes));
  }

  private static void refused(byte[] bytes, String part) {
    assertThatThrownBy(() -> check(bytes))
        .isInstanceOfSatisfying(
            ArtifactRefusedException.class,
            e -> assertThat(e.refusal().reason()).isEqualTo(RefusalReason.UNSAFE_MODEL))
        .hasMessageContaining(part);
  }

  private static byte[] graphOf(byte[]... nodes) {
    return TinyOnnx.model(
        message(
            g -> {
              for (byte[] node : nodes) {
                g.writeByteArray(1, node);
              }
              g.writeByteArray(11, value("x", 1, 4));
            }));
  }

  private static byte[] relu() {
    return node("Relu", List.of("x"), "y");
  }

  private static byte[] withAttribute(String operator, byte[] attribute) {
    return message(
        n -> {
          n.writeString(4, operator);
          n.writeByteArray(5, attribute);
        });
  }

  private static byte[] withInitializer(byte[] tensor) {
    return TinyOnnx.model(
        message(
            g -> {
              g.writeByteArray(1, relu());
              g.writeByteArray(5, tensor);
            }));
  }

  @Test
  void an_ordinary_model_passes() throws Exception {
    check(TestBundle.sound(1).file(BundlePlan.MODEL));
    check(TestBundle.large(1, 1 << 20).file(BundlePlan.MODEL));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "conv3x3_16x28x28_16_fp32",
        "conv3x3_16x28x28_16_int8",
        "depthwise3x3_64x14x14_64_int8",
        "linear_256x1x1_128_int8",
        "pointwise_128x7x7_128_fp32"
      })
  void models_of_the_exporter_pass(String probe) throws Exception {
    try (InputStream in =
        OnnxScreen.class.getResourceAsStream(
            "/io/stillhouse/agent/hardware/probes/" + probe + ".onnx")) {
      assertThat(in).isNotNull();
      OnnxScreen.check(in);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "If",
        "Loop",
        "Scan",
        "Expand",
        "ConstantOfShape",
        "Tile",
        "Range",
        "Pad",
        "Foo",
        ""
      })
  void operators_off_the_list_are_refused(String operator) {
    refused(graphOf(node(operator, List.of("x"), "y")), "not on the list");
  }

  @Test
  void the_last_operator_name_of_a_node_counts() {
    refused(
        graphOf(
            message(
                n -> {
                  n.writeString(4, "Relu");
                  n.writeString(4, "Loop");
                })),
        "Loop");
  }

  @Test
  void other_domains_functions_subgraphs_and_second_graphs_are_refused() {
    refused(
        graphOf(
            message(
                n -> {
                  n.writeString(4, "Relu");
                  n.writeString(7, "evil.example");
                })),
        "evil.example");
    byte[] sound = TestBundle.sound(1).file(BundlePlan.MODEL);
    refused(
        message(
            m -> {
              m.writeRawBytes(sound);
              m.writeByteArray(25, new byte[0]);
            }),
        "field 25");
    refused(
        message(
            m -> {
              m.writeRawBytes(sound);
              m.writeRawBytes(sound);
            }),
        "more than one graph");
    refused(
        graphOf(withAttribute("Relu", message(a -> a.writeByteArray(6, new byte[0])))), "field 6");
  }

  @Test
  void external_data_is_refused_in_either_form() {
    refused(
        withInitializer(
            message(
                t -> {
                  t.writeInt64(1, 1);
                  t.writeInt32(2, 1);
                  t.writeInt32(14, 1);
                })),
        "external data");
    refused(withInitializer(message(t -> t.writeByteArray(13, new byte[0]))), "external data");
  }

  @Test
  void tensors_that_claim_more_than_they_carry_are_refused() {
    refused(withInitializer(tensor("w", new float[4], 2, 3)), "carries");
    refused(withInitializer(tensor("w", new float[1], 1L << 40)), "dimension");
    refused(withInitializer(tensor("w", new float[1], -1)), "dimension");
    refused(
        withInitializer(tensor("w", new float[1], 1 << 20, 1 << 20, 1 << 20, 1 << 20)), "elements");
    refused(withInitializer(tensor("w", new float[1], 1, 1, 1, 1, 1, 1, 1, 1, 1)), "dimensions");
  }

  @Test
  void attributes_that_would_make_huge_outputs_are_refused() {
    refused(
        graphOf(
            withAttribute(
                "Conv",
                message(
                    a -> {
                      a.writeString(1, "pads");
                      a.writeInt64(8, 1L << 31);
                    }))),
        "pads");
    refused(
        graphOf(
            withAttribute(
                "Conv",
                message(
                    a -> {
                      a.writeString(1, "group");
                      a.writeInt64(3, Long.MIN_VALUE);
                    }))),
        "group");
  }

  @Test
  void counts_beyond_their_bounds_are_refused() {
    byte[][] nodes = new byte[OnnxRules.NODES_MAX + 1][];
    java.util.Arrays.fill(nodes, relu());
    refused(graphOf(nodes), "nodes");
  }

  @Test
  void other_values_than_tensors_are_refused() {
    byte[] sequence =
        message(
            v -> {
              v.writeString(1, "x");
              v.writeByteArray(2, message(t -> t.writeByteArray(4, new byte[0])));
            });
    refused(
        TinyOnnx.model(
            message(
                g -> {
                  g.writeByteArray(1, relu());
                  g.writeByteArray(11, sequence);
                })),
        "value type");
  }

  @Test
  void empty_and_random_files_are_refused() {
    refused(new byte[0], "without a graph");
    for (long seed = 0; seed < 1_000; seed++) {
      byte[] bytes = new byte[new Random(seed).nextInt(400)];
      new Random(seed + 1).nextBytes(bytes);
      assertThatThrownBy(() -> check(bytes))
          .as("seed %d", seed)
          .isInstanceOf(ArtifactRefusedException.class);
    }
  }

  @Test
  void twenty_thousand_corruptions_pass_or_are_refused_and_never_crash_the_walk()
      throws IOException {
    byte[] whole = TestBundle.sound(1).file(BundlePlan.MODEL);
    int passed = 0;
    for (long seed = 0; seed < 20_000; seed++) {
      try {
        check(Corruption.of(whole, new Random(seed)));
        passed++;
      } catch (ArtifactRefusedException e) {
        assertThat(e.refusal().reason()).isEqualTo(RefusalReason.UNSAFE_MODEL);
      }
    }
    // Changed weights have a sound structure: the digests catch those.
    assertThat(passed).isLessThan(10_000);
  }
}
