package io.stillhouse.model.network;

import static io.stillhouse.model.graph.Layer.Activation.Function.RELU;
import static io.stillhouse.model.graph.Layer.Activation.Function.RELU6;
import static io.stillhouse.model.network.Forms.row;
import static io.stillhouse.model.network.Forms.rows;
import static io.stillhouse.model.network.Scale.Rounding.multiplesOf;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.network.Family.Quoted;
import io.stillhouse.model.network.Forms.Row;
import io.stillhouse.model.network.PlainBlocks.Biased;
import io.stillhouse.model.network.PlainBlocks.Classifier;
import io.stillhouse.model.network.PlainBlocks.Frames;
import io.stillhouse.model.network.PlainBlocks.Hidden;
import io.stillhouse.model.network.PlainBlocks.Logits;
import io.stillhouse.model.network.PlainBlocks.Plain;
import io.stillhouse.model.network.PlainBlocks.Pool;
import io.stillhouse.model.network.ResidualBlocks.Bottleneck;
import io.stillhouse.model.network.ResidualBlocks.Dense;
import io.stillhouse.model.network.ResidualBlocks.NormAct;
import io.stillhouse.model.network.ResidualBlocks.Residual;
import io.stillhouse.model.network.ResidualBlocks.Shortcut;
import io.stillhouse.model.network.ResidualBlocks.Transition;
import io.stillhouse.model.network.SeparableBlocks.Separable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Every family; the block tables of networks that are not small by design, and of two that are. */
final class Families {
  private Families() {}

  static final List<Family> ALL =
      Stream.of(
              List.of(lenet(), alexnet(), vgg()),
              List.of(
                  residual("resnet18", new Residual(64, 1, Shortcut.PROJECTION), 2, 2, 2, 2),
                  residual("resnet34", new Residual(64, 1, Shortcut.PROJECTION), 3, 4, 6, 3),
                  residual("resnet50", new Bottleneck(64, 1), 3, 4, 6, 3)),
              List.of(
                  cifarResidual(8, Shortcut.PROJECTION),
                  cifarResidual(14, Shortcut.PROJECTION),
                  cifarResidual(20, Shortcut.PADDED),
                  cifarResidual(32, Shortcut.PADDED),
                  cifarResidual(44, Shortcut.PADDED),
                  cifarResidual(56, Shortcut.PADDED),
                  cifarResidual(110, Shortcut.PADDED)),
              List.of(densenet()),
              LightFamilies.ALL,
              List.of(dsCnn(), separableSmall()))
          .flatMap(List::stream)
          .toList();

  /** The Caffe variant of LeNet-5 (LeCun et al. 1998): 20, 50 and 500 channels. */
  private static Family lenet() {
    return new Family(
        "lenet5",
        "LeNet-5 as in Caffe: two convolutions, two fully connected layers",
        Quoted.image("1x28x28", 10),
        multiplesOf(1),
        Forms.one(
            row(new Biased(20, 5, 1, 0, false)),
            row(new Pool(2, 2, 0, false)),
            row(new Biased(50, 5, 1, 0, false)),
            row(new Pool(2, 2, 0, false)),
            row(new Hidden(500, 0)),
            row(new Logits())));
  }

  /** Krizhevsky's one-tower variant (2014), as in torchvision. */
  private static Family alexnet() {
    return new Family(
        "alexnet",
        "AlexNet, one tower, without local response normalisation",
        Quoted.IMAGENET,
        multiplesOf(8),
        Forms.of(
            row(new Biased(64, 11, 4, 2, true)),
            row(new Pool(3, 2, 0, false)),
            row(new Biased(192, 5, 1, 2, true)),
            row(new Pool(3, 2, 0, false)),
            row(new Biased(384, 3, 1, 1, true)),
            rows(new Biased(256, 3, 1, 1, true), 2),
            row(new Pool(3, 2, 0, false)),
            rows(new Hidden(4096, 0.5), 2),
            row(new Logits())));
  }

  /**
   * Configuration D of Simonyan and Zisserman (2015). The form for small images has normalisation,
   * and global average pooling in place of the last pooling and the hidden layers.
   */
  private static Family vgg() {
    int[] channels = {64, 128, 256, 512, 512};
    List<Row> large = new ArrayList<>();
    List<Row> small = new ArrayList<>();
    for (int stage = 0; stage < channels.length; stage++) {
      int repeats = stage < 2 ? 2 : 3;
      large.add(rows(new Biased(channels[stage], 3, 1, 1, true), repeats));
      large.add(row(new Pool(2, 2, 0, false)));
      small.add(rows(Plain.of(channels[stage], 3, 1, RELU), repeats));
      if (stage < channels.length - 1) {
        small.add(row(new Pool(2, 2, 0, false)));
      }
    }
    large.add(rows(new Hidden(4096, 0.5), 2));
    large.add(row(new Logits()));
    small.add(row(Classifier.PLAIN));
    return new Family(
        "vgg16",
        "VGG-16; small images: with normalisation and one linear layer",
        Quoted.IMAGENET,
        multiplesOf(8),
        Forms.two(large, small));
  }

  /** ImageNet residual network (He et al. 2015), stride of a bottleneck on its 3x3. */
  private static Family residual(String name, Block first, int... repeats) {
    List<Row> rows = new ArrayList<>();
    rows.add(row(Plain.of(64, 7, 2, RELU)));
    rows.add(row(new Pool(3, 2, 1, false)));
    for (int stage = 0; stage < repeats.length; stage++) {
      int channels = 64 << stage;
      int stride = stage == 0 ? 1 : 2;
      Block block =
          first instanceof Bottleneck
              ? new Bottleneck(channels, stride)
              : new Residual(channels, stride, Shortcut.PROJECTION);
      rows.add(rows(block, repeats[stage]));
    }
    rows.add(row(Classifier.PLAIN));
    return new Family(
        name,
        "ImageNet residual network of " + name.substring("resnet".length()) + " layers",
        Quoted.IMAGENET,
        multiplesOf(8),
        Forms.of(rows.toArray(new Row[0])));
  }

  /**
   * CIFAR residual network of {@code depth = 6n + 2} layers: three stages of n blocks. Channels are
   * rounded to 4, so that quarter widths are exact. The published depths have shortcuts without
   * parameters; the two shorter ones are students and project.
   */
  private static Family cifarResidual(int depth, Shortcut kind) {
    int blocks = (depth - 2) / 6;
    String how = kind == Shortcut.PADDED ? "padded shortcuts" : "projection shortcuts";
    return new Family(
        "resnet" + depth,
        "CIFAR residual network of " + depth + " layers, " + how,
        Quoted.image("3x32x32", 10),
        multiplesOf(4),
        Forms.one(
            row(Plain.of(16, 3, 1, RELU)),
            rows(new Residual(16, 1, kind), blocks),
            rows(new Residual(32, 2, kind), blocks),
            rows(new Residual(64, 2, kind), blocks),
            row(Classifier.PLAIN)));
  }

  private static Family densenet() {
    return new Family(
        "densenet121",
        "densely connected network, growth 32 (Huang et al. 2017)",
        Quoted.IMAGENET,
        multiplesOf(4),
        Forms.of(
            row(Plain.of(64, 7, 2, RELU)),
            row(new Pool(3, 2, 1, false)),
            rows(new Dense(32), 6),
            row(new Transition()),
            rows(new Dense(32), 12),
            row(new Transition()),
            rows(new Dense(32), 24),
            row(new Transition()),
            rows(new Dense(32), 16),
            row(new NormAct()),
            row(Classifier.PLAIN)));
  }

  /**
   * The small model of Zhang et al. 2017 for keyword spotting. Widths 2.6875 and 4.3125 give the
   * channels of its medium and large models.
   */
  private static Family dsCnn() {
    return new Family(
        "ds_cnn",
        "keyword spotting over 49 frames of 10 coefficients; also windows 1 wide or high",
        new Quoted(ImageShape.parse("1x49x10"), 12, true),
        multiplesOf(4),
        Forms.one(
            row(new Frames(64, RELU)),
            rows(new Separable(64, 1, RELU, true), 4),
            row(Classifier.PLAIN)));
  }

  /** A student for small images, after MobileNetV1; from 48 pixels on its stem has a stride. */
  private static Family separableSmall() {
    List<Row> body =
        List.of(
            row(Separable.of(32, 1, RELU6)),
            row(Separable.of(64, 2, RELU6)),
            row(Separable.of(64, 1, RELU6)),
            row(Separable.of(128, 2, RELU6)),
            row(Separable.of(128, 1, RELU6)),
            row(Classifier.PLAIN));
    List<Row> large = new ArrayList<>(List.of(row(Plain.of(16, 3, 2, RELU6))));
    large.addAll(body);
    List<Row> small = new ArrayList<>(List.of(row(Plain.of(16, 3, 1, RELU6))));
    small.addAll(body);
    return new Family(
        "separable_small",
        "depthwise-separable student for images of 28 to 64 pixels",
        Quoted.image("1x28x28", 10),
        multiplesOf(8),
        new Forms(large, small, 47));
  }
}
