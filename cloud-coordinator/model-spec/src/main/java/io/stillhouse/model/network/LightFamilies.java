package io.stillhouse.model.network;

import static io.stillhouse.model.graph.Layer.Activation.Function.HARD_SWISH;
import static io.stillhouse.model.graph.Layer.Activation.Function.RELU;
import static io.stillhouse.model.graph.Layer.Activation.Function.RELU6;
import static io.stillhouse.model.graph.Layer.Activation.Function.SILU;
import static io.stillhouse.model.network.Forms.row;
import static io.stillhouse.model.network.Forms.rows;
import static io.stillhouse.model.network.Scale.Rounding.multiplesOf;
import static io.stillhouse.model.network.SeparableBlocks.Expansion.times;
import static io.stillhouse.model.network.SeparableBlocks.Expansion.to;
import static io.stillhouse.model.network.SeparableBlocks.Squeeze.EFFICIENT;
import static io.stillhouse.model.network.SeparableBlocks.Squeeze.MOBILE;
import static io.stillhouse.model.network.SeparableBlocks.Squeeze.NONE;

import io.stillhouse.model.network.Block.AtLeastWhole;
import io.stillhouse.model.network.Block.Unscaled;
import io.stillhouse.model.network.CheapBlocks.Fire;
import io.stillhouse.model.network.CheapBlocks.Ghost;
import io.stillhouse.model.network.CheapBlocks.ShuffleOne;
import io.stillhouse.model.network.CheapBlocks.ShuffleTwo;
import io.stillhouse.model.network.Family.Quoted;
import io.stillhouse.model.network.PlainBlocks.Biased;
import io.stillhouse.model.network.PlainBlocks.Classifier;
import io.stillhouse.model.network.PlainBlocks.ConvLogits;
import io.stillhouse.model.network.PlainBlocks.Plain;
import io.stillhouse.model.network.PlainBlocks.Pool;
import io.stillhouse.model.network.PlainBlocks.PooledHidden;
import io.stillhouse.model.network.SeparableBlocks.Inverted;
import io.stillhouse.model.network.SeparableBlocks.Separable;
import io.stillhouse.model.network.SeparableBlocks.Style;
import io.stillhouse.model.network.SeparableBlocks.Xception;
import io.stillhouse.model.network.SeparableBlocks.XceptionSeparable;
import java.util.List;

/** The block tables of networks that are small by design. */
final class LightFamilies {
  private LightFamilies() {}

  private static final Style RE = new Style(RELU, NONE);
  private static final Style RE_SE = new Style(RELU, MOBILE);
  private static final Style HS = new Style(HARD_SWISH, NONE);
  private static final Style HS_SE = new Style(HARD_SWISH, MOBILE);
  private static final Style R6 = new Style(RELU6, NONE);
  private static final Style SI_SE = new Style(SILU, EFFICIENT);

  static final List<Family> ALL =
      List.of(
          squeezenet10(),
          squeezenet11(),
          xception(),
          mobilenetV1(),
          mobilenetV2(),
          mobilenetV3Small(),
          mobilenetV3Large(),
          shufflenetV1(),
          shufflenetV2(),
          ghostnet(),
          efficientnetB0(),
          mnasnetB1());

  private static Family imagenet(String name, String summary, int multiple, Forms forms) {
    return new Family(name, summary, Quoted.IMAGENET, multiplesOf(multiple), forms);
  }

  private static Family squeezenet10() {
    return imagenet(
        "squeezenet1_0",
        "SqueezeNet 1.0: Fire modules (Iandola et al. 2016)",
        8,
        Forms.of(
            row(new Biased(96, 7, 2, 0, true)),
            row(new Pool(3, 2, 0, true)),
            rows(new Fire(16, 64), 2),
            row(new Fire(32, 128)),
            row(new Pool(3, 2, 0, true)),
            row(new Fire(32, 128)),
            rows(new Fire(48, 192), 2),
            row(new Fire(64, 256)),
            row(new Pool(3, 2, 0, true)),
            row(new Fire(64, 256)),
            row(new ConvLogits(0.5))));
  }

  private static Family squeezenet11() {
    return imagenet(
        "squeezenet1_1",
        "SqueezeNet 1.1: pools earlier, less than half the work of 1.0",
        8,
        Forms.of(
            row(new Biased(64, 3, 2, 0, true)),
            row(new Pool(3, 2, 0, true)),
            rows(new Fire(16, 64), 2),
            row(new Pool(3, 2, 0, true)),
            rows(new Fire(32, 128), 2),
            row(new Pool(3, 2, 0, true)),
            rows(new Fire(48, 192), 2),
            rows(new Fire(64, 256), 2),
            row(new ConvLogits(0.5))));
  }

  private static Family xception() {
    return new Family(
        "xception",
        "Xception: separable convolutions in residual blocks (Chollet 2017)",
        Quoted.image("3x299x299", 1000),
        multiplesOf(8),
        Forms.of(
            row(new Plain(32, 3, 2, 0, RELU)),
            row(new Plain(64, 3, 1, 0, RELU)),
            row(new Xception(128, 128, 2, 2, false)),
            row(new Xception(256, 256, 2, 2, true)),
            row(new Xception(728, 728, 2, 2, true)),
            rows(new Xception(728, 728, 3, 1, true), 8),
            row(new Xception(728, 1024, 2, 2, true)),
            row(new XceptionSeparable(1536)),
            row(new XceptionSeparable(2048)),
            row(Classifier.PLAIN)));
  }

  private static Family mobilenetV1() {
    return imagenet(
        "mobilenet_v1",
        "MobileNet V1: depthwise-separable convolutions (Howard et al. 2017)",
        8,
        Forms.of(
            row(Plain.of(32, 3, 2, RELU)),
            row(Separable.of(64, 1, RELU)),
            rows(Separable.of(128, 2, RELU), 2),
            rows(Separable.of(256, 2, RELU), 2),
            rows(Separable.of(512, 2, RELU), 6),
            rows(Separable.of(1024, 2, RELU), 2),
            row(Classifier.PLAIN)));
  }

  private static Family mobilenetV2() {
    return imagenet(
        "mobilenet_v2",
        "MobileNet V2: inverted residuals (Sandler et al. 2018)",
        8,
        Forms.of(
            row(Plain.of(32, 3, 2, RELU6)),
            row(new Inverted(3, times(1), 16, 1, R6)),
            rows(new Inverted(3, times(6), 24, 2, R6), 2),
            rows(new Inverted(3, times(6), 32, 2, R6), 3),
            rows(new Inverted(3, times(6), 64, 2, R6), 4),
            rows(new Inverted(3, times(6), 96, 1, R6), 3),
            rows(new Inverted(3, times(6), 160, 2, R6), 3),
            row(new Inverted(3, times(6), 320, 1, R6)),
            row(new AtLeastWhole(Plain.of(1280, 1, 1, RELU6))),
            row(new Classifier(0.2))));
  }

  /** Its last layers follow the width too, as in torchvision. */
  private static Family mobilenetV3Small() {
    return imagenet(
        "mobilenet_v3_small",
        "MobileNet V3 small: squeeze-excite and hard swish (Howard et al. 2019)",
        8,
        Forms.of(
            row(Plain.of(16, 3, 2, HARD_SWISH)),
            row(new Inverted(3, to(16), 16, 2, RE_SE)),
            row(new Inverted(3, to(72), 24, 2, RE)),
            row(new Inverted(3, to(88), 24, 1, RE)),
            row(new Inverted(5, to(96), 40, 2, HS_SE)),
            rows(new Inverted(5, to(240), 40, 1, HS_SE), 2),
            row(new Inverted(5, to(120), 48, 1, HS_SE)),
            row(new Inverted(5, to(144), 48, 1, HS_SE)),
            row(new Inverted(5, to(288), 96, 2, HS_SE)),
            rows(new Inverted(5, to(576), 96, 1, HS_SE), 2),
            row(Plain.of(576, 1, 1, HARD_SWISH)),
            row(new PooledHidden(1024, HARD_SWISH, 0.2))));
  }

  /** Its last layers follow the width too, as in torchvision. */
  private static Family mobilenetV3Large() {
    return imagenet(
        "mobilenet_v3_large",
        "MobileNet V3 large: squeeze-excite and hard swish (Howard et al. 2019)",
        8,
        Forms.of(
            row(Plain.of(16, 3, 2, HARD_SWISH)),
            row(new Inverted(3, to(16), 16, 1, RE)),
            row(new Inverted(3, to(64), 24, 2, RE)),
            row(new Inverted(3, to(72), 24, 1, RE)),
            row(new Inverted(5, to(72), 40, 2, RE_SE)),
            rows(new Inverted(5, to(120), 40, 1, RE_SE), 2),
            row(new Inverted(3, to(240), 80, 2, HS)),
            row(new Inverted(3, to(200), 80, 1, HS)),
            rows(new Inverted(3, to(184), 80, 1, HS), 2),
            row(new Inverted(3, to(480), 112, 1, HS_SE)),
            row(new Inverted(3, to(672), 112, 1, HS_SE)),
            row(new Inverted(5, to(672), 160, 2, HS_SE)),
            rows(new Inverted(5, to(960), 160, 1, HS_SE), 2),
            row(Plain.of(960, 1, 1, HARD_SWISH)),
            row(new PooledHidden(1280, HARD_SWISH, 0.2))));
  }

  /** Three groups. */
  private static Family shufflenetV1() {
    return new Family(
        "shufflenet_v1",
        "ShuffleNet V1, 3 groups: grouped convolutions and shuffles (Zhang et al. 2018)",
        Quoted.IMAGENET,
        LightFamilies::groupedChannels,
        Forms.of(
            row(Plain.of(24, 3, 2, RELU)),
            row(new Pool(3, 2, 1, false)),
            rows(new ShuffleOne(240, 2, 3, 1), 4),
            rows(new ShuffleOne(480, 2, 3, 3), 8),
            rows(new ShuffleOne(960, 2, 3, 3), 4),
            row(Classifier.PLAIN)));
  }

  /**
   * In multiples of 12, so that a quarter of them has three equal groups; the published network of
   * width 1.5 keeps the stem of width 1.
   */
  private static int groupedChannels(int atWidthOne, double width) {
    return atWidthOne == 24 && width == 1.5 ? 24 : Scale.nearest(atWidthOne * width, 12);
  }

  private static Family shufflenetV2() {
    return new Family(
        "shufflenet_v2",
        "ShuffleNet V2: halves that pass and halves that work (Ma et al. 2018)",
        Quoted.IMAGENET,
        LightFamilies::shuffleChannels,
        Forms.of(
            row(new Unscaled(Plain.of(24, 3, 2, RELU))),
            row(new Pool(3, 2, 1, false)),
            rows(new ShuffleTwo(116, 2), 4),
            rows(new ShuffleTwo(232, 2), 8),
            rows(new ShuffleTwo(464, 2), 4),
            row(Plain.of(1024, 1, 1, RELU)),
            row(Classifier.PLAIN)));
  }

  /**
   * The paper lists channels for the widths 0.5, 1.5 and 2 that no multiplier gives; other widths
   * scale those of width 1 in multiples of 4. The last layer has 1024, from width 2 on 2048.
   */
  private static int shuffleChannels(int atWidthOne, double width) {
    if (atWidthOne == 1024) {
      return width >= 2 ? 2048 : 1024;
    }
    int stage = atWidthOne / 116;
    if (width == 0.5) {
      return 48 * stage;
    }
    if (width == 1.5) {
      return 176 * stage;
    }
    return width == 2.0 ? 244 * stage : Scale.nearest(atWidthOne * width, 4);
  }

  private static Family ghostnet() {
    return imagenet(
        "ghostnet",
        "GhostNet: half of the channels are cheap copies (Han et al. 2020)",
        4,
        Forms.of(
            row(Plain.of(16, 3, 2, RELU)),
            row(new Ghost(3, 16, 16, 1, false)),
            row(new Ghost(3, 48, 24, 2, false)),
            row(new Ghost(3, 72, 24, 1, false)),
            row(new Ghost(5, 72, 40, 2, true)),
            row(new Ghost(5, 120, 40, 1, true)),
            row(new Ghost(3, 240, 80, 2, false)),
            row(new Ghost(3, 200, 80, 1, false)),
            rows(new Ghost(3, 184, 80, 1, false), 2),
            row(new Ghost(3, 480, 112, 1, true)),
            row(new Ghost(3, 672, 112, 1, true)),
            row(new Ghost(5, 672, 160, 2, true)),
            row(new Ghost(5, 960, 160, 1, false)),
            row(new Ghost(5, 960, 160, 1, true)),
            row(new Ghost(5, 960, 160, 1, false)),
            row(new Ghost(5, 960, 160, 1, true)),
            row(Plain.of(960, 1, 1, RELU)),
            row(new Unscaled(new PooledHidden(1280, RELU, 0.2)))));
  }

  private static Family efficientnetB0() {
    return imagenet(
        "efficientnet_b0",
        "EfficientNet-B0: inverted residuals with squeeze-excite and SiLU (Tan and Le 2019)",
        8,
        Forms.of(
            row(Plain.of(32, 3, 2, SILU)),
            row(new Inverted(3, times(1), 16, 1, SI_SE)),
            rows(new Inverted(3, times(6), 24, 2, SI_SE), 2),
            rows(new Inverted(5, times(6), 40, 2, SI_SE), 2),
            rows(new Inverted(3, times(6), 80, 2, SI_SE), 3),
            rows(new Inverted(5, times(6), 112, 1, SI_SE), 3),
            rows(new Inverted(5, times(6), 192, 2, SI_SE), 4),
            row(new Inverted(3, times(6), 320, 1, SI_SE)),
            row(Plain.of(1280, 1, 1, SILU)),
            row(new Classifier(0.2))));
  }

  private static Family mnasnetB1() {
    return imagenet(
        "mnasnet_b1",
        "MnasNet-B1: inverted residuals found by search (Tan et al. 2019)",
        8,
        Forms.of(
            row(Plain.of(32, 3, 2, RELU)),
            row(new Inverted(3, times(1), 16, 1, RE)),
            rows(new Inverted(3, times(3), 24, 2, RE), 3),
            rows(new Inverted(5, times(3), 40, 2, RE), 3),
            rows(new Inverted(5, times(6), 80, 2, RE), 3),
            rows(new Inverted(3, times(6), 96, 1, RE), 2),
            rows(new Inverted(5, times(6), 192, 2, RE), 4),
            row(new Inverted(3, times(6), 320, 1, RE)),
            row(new Unscaled(Plain.of(1280, 1, 1, RELU))),
            row(new Classifier(0.2))));
  }
}
