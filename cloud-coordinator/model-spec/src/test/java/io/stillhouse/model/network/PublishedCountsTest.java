package io.stillhouse.model.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.NetworkCost;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Parameters and multiply-accumulates of the published networks. Variants: torchvision where it has
 * the network; osmr/imgclsmob for Xception, MobileNet V1 and ShuffleNet V1 (whose classifier has a
 * bias there); the authors' code for GhostNet; the Caffe model for LeNet-5; MLPerf Tiny for DS-CNN.
 */
class PublishedCountsTest {
  @ParameterizedTest
  @CsvSource({
    "alexnet, 1, 61100840, 714.19",
    "vgg16, 1, 138357544, 15470.26",
    "resnet18, 1, 11689512, 1814.07",
    "resnet18, 0.5, 3055880, 483.15",
    "resnet34, 1, 21797672, 3663.76",
    "resnet50, 1, 25557032, 4089.18",
    "densenet121, 1, 7978856, 2834.16",
    "squeezenet1_0, 1, 1248424, 818.92",
    "squeezenet1_1, 1, 1235496, 349.15",
    "mobilenet_v1, 1, 4231976, 568.74",
    "mobilenet_v1, 0.75, 2585560, 325.40",
    "mobilenet_v1, 0.5, 1331592, 149.50",
    "mobilenet_v1, 0.25, 470072, 41.03",
    "mobilenet_v2, 1.4, 6108776, 582.20",
    "mobilenet_v2, 1, 3504872, 300.77",
    "mobilenet_v2, 0.75, 2636424, 209.07",
    "mobilenet_v2, 0.5, 1968680, 97.13",
    "mobilenet_v2, 0.35, 1677128, 59.29",
    "mobilenet_v3_large, 1, 5483032, 216.59",
    "mobilenet_v3_large, 0.75, 3377576, 140.03",
    "mobilenet_v3_small, 1, 2542856, 56.51",
    "shufflenet_v1, 1, 1865728, 137.46",
    "shufflenet_v1, 0.5, 718324, 37.59",
    "shufflenet_v1, 1.5, 3442168, 292.44",
    "shufflenet_v1, 2, 5450776, 524.05",
    "shufflenet_v2, 0.5, 1366792, 40.48",
    "shufflenet_v2, 1, 2278604, 144.91",
    "shufflenet_v2, 1.5, 3503624, 295.76",
    "shufflenet_v2, 2, 7393996, 583.25",
    "ghostnet, 1, 5182508, 141.15",
    "ghostnet, 0.5, 2587292, 42.33",
    "ghostnet, 1.3, 7358820, 227.00",
    "efficientnet_b0, 1, 5288548, 385.81",
    "mnasnet_b1, 1, 4383312, 314.42",
    "mnasnet_b1, 0.5, 2218512, 104.46",
    "mnasnet_b1, 0.75, 3170208, 215.49",
    "mnasnet_b1, 1.3, 6282256, 526.36"
  })
  void imagenet_networks(String name, double width, long params, String megaMacs) {
    check(name, "3x224x224", width, new Published(1000, params, megaMacs));
  }

  @ParameterizedTest
  @CsvSource({
    "lenet5, 1x28x28, 10, 1, 431080, 2.29",
    "resnet20, 3x32x32, 10, 1, 269722, 40.55",
    "resnet32, 3x32x32, 10, 1, 464154, 68.86",
    "resnet44, 3x32x32, 10, 1, 658586, 97.17",
    "resnet56, 3x32x32, 10, 1, 853018, 125.49",
    "resnet110, 3x32x32, 10, 1, 1727962, 252.89",
    "xception, 3x299x299, 1000, 1, 22855952, 8357.40",
    "xception, 3x224x224, 1000, 1, 22855952, 4552.88",
    "vgg16, 3x32x32, 10, 1, 14724042, 313.20",
    "mobilenet_v2, 3x32x32, 10, 1, 2236682, 87.98",
    "mobilenet_v2, 3x32x32, 10, 0.5, 700490, 27.97",
    "shufflenet_v2, 3x32x32, 10, 1, 1263854, 45.00",
    "shufflenet_v2, 3x32x32, 10, 0.5, 352042, 10.90",
    "ds_cnn, 1x49x10, 12, 1, 23756, 2.66"
  })
  void networks_at_other_inputs(
      String name, String input, int classes, double width, long params, String megaMacs) {
    check(name, input, width, new Published(classes, params, megaMacs));
  }

  private record Published(int classes, long params, String megaMacs) {}

  private static void check(String name, String input, double width, Published published) {
    NetworkCost cost =
        NetworkCost.of(
            NetworkCatalog.build(name, ImageShape.parse(input), published.classes(), width));
    assertThat(cost.params()).isEqualTo(published.params());
    assertThat("%.2f".formatted(cost.macs() / 1e6)).isEqualTo(published.megaMacs());
  }
}
