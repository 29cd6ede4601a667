package io.stillhouse.model.network;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import java.util.Optional;

/** Rows of one convolution, of pooling, and the heads that end in logits. */
final class PlainBlocks {
  private PlainBlocks() {}

  /** Convolution, batch normalisation, activation. */
  record Plain(int out, int kernel, int stride, int pad, Function function) implements Block {
    /** With the padding that keeps sides at stride 1. */
    static Plain of(int out, int kernel, int stride, Function function) {
      return new Plain(out, kernel, stride, kernel / 2, function);
    }

    @Override
    public Block unstrided() {
      return new Plain(out, kernel, 1, pad, function);
    }

    /** Wide kernels belong to wide strides: a small image gets 3x3. */
    @Override
    public Optional<Block> undiminished() {
      return Optional.of(of(out, Math.min(3, kernel), 1, function));
    }

    @Override
    public String append(Site site) {
      int made = site.scaled(out);
      return site.graph()
          .convNormAct(
              site.prefix(),
              site.from(),
              new Layer.Conv(site.in(), made, kernel, kernel, stride, pad, pad, 1, false),
              function);
    }
  }

  /** Convolution with bias and without normalisation, as networks before 2015 and SqueezeNet. */
  record Biased(int out, int kernel, int stride, int pad, boolean relu) implements Block {
    @Override
    public Block unstrided() {
      return new Biased(out, kernel, 1, pad, relu);
    }

    @Override
    public Optional<Block> undiminished() {
      int small = Math.min(3, kernel);
      return Optional.of(new Biased(out, small, 1, small / 2, relu));
    }

    @Override
    public String append(Site site) {
      Layer.Conv conv =
          new Layer.Conv(site.in(), site.scaled(out), kernel, kernel, stride, pad, pad, 1, true);
      String made = site.graph().add(site.name(".conv"), conv, site.from());
      return relu ? site.graph().activation(site.prefix(), made, Function.RELU) : made;
    }
  }

  /**
   * The first layer of DS-CNN (Zhang et al. 2017): a kernel of 10 frames by 4 coefficients, with
   * padding that halves both sides rounding up. A window of one row or one column has time along
   * its other side.
   */
  record Frames(int out, Function function) implements Block {
    @Override
    public int stride() {
      return 2;
    }

    @Override
    public String append(Site site) {
      boolean row = site.graph().image().height() == 1;
      Layer.Conv conv =
          new Layer.Conv(site.in(), site.scaled(out), 10, row ? 10 : 4, 2, 5, row ? 5 : 1, 1, true);
      return site.graph().convNormAct(site.prefix(), site.from(), conv, function);
    }
  }

  /** Max pooling. */
  record Pool(int kernel, int stride, int pad, boolean ceil) implements Block {
    @Override
    public Optional<Block> undiminished() {
      return Optional.empty();
    }

    @Override
    public String append(Site site) {
      return site.graph()
          .add(site.name(".pool"), new Layer.MaxPool(kernel, stride, pad, ceil), site.from());
    }
  }

  /** Flatten, a fully connected layer, ReLU, dropout. */
  record Hidden(int out, double dropout) implements Block {
    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      String flat = site.from();
      if (!graph.flattened()) {
        flat = graph.add(site.name(".flatten"), new Layer.Flatten(), flat);
      }
      Layer linear = new Layer.Linear(graph.channels(flat), site.scaled(out), true);
      String made = graph.add(site.name(".linear"), linear, flat);
      made = graph.activation(site.prefix(), made, Function.RELU);
      return dropout > 0
          ? graph.add(site.name(".dropout"), new Layer.Dropout(dropout), made)
          : made;
    }
  }

  /** The last fully connected layer alone, behind {@link Hidden} rows. */
  record Logits() implements Block {
    @Override
    public String append(Site site) {
      Layer linear = new Layer.Linear(site.in(), site.graph().classes(), true);
      return site.graph().add("classifier", linear, site.from());
    }
  }

  /** Global average pooling, flatten and the classifier. */
  record Classifier(double dropout) implements Block {
    static final Classifier PLAIN = new Classifier(0);

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      String pooled = graph.add("pool", new Layer.GlobalAveragePool(), site.from());
      String flat = graph.add("flatten", new Layer.Flatten(), pooled);
      if (dropout > 0) {
        flat = graph.add("dropout", new Layer.Dropout(dropout), flat);
      }
      return graph.add("classifier", new Layer.Linear(site.in(), graph.classes(), true), flat);
    }
  }

  /**
   * Global average pooling, one more layer on the pooled vector, the classifier (Howard et al.
   * 2019, Han et al. 2020).
   */
  record PooledHidden(int out, Function function, double dropout) implements Block {
    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      String pooled = graph.add("pool", new Layer.GlobalAveragePool(), site.from());
      int made = site.scaled(out);
      String flat = graph.add("flatten", new Layer.Flatten(), pooled);
      flat = graph.add("hidden", new Layer.Linear(site.in(), made, true), flat);
      flat = graph.activation("hidden", flat, function);
      if (dropout > 0) {
        flat = graph.add("dropout", new Layer.Dropout(dropout), flat);
      }
      return graph.add("classifier", new Layer.Linear(made, graph.classes(), true), flat);
    }
  }

  /** SqueezeNet's head: a convolution with one channel per class, then global average pooling. */
  record ConvLogits(double dropout) implements Block {
    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      String dropped = graph.add("dropout", new Layer.Dropout(dropout), site.from());
      String made = graph.biasedPointwise("classifier", dropped, graph.classes());
      made = graph.activation("classifier", made, Function.RELU);
      return graph.add(
          "flatten", new Layer.Flatten(), graph.add("pool", new Layer.GlobalAveragePool(), made));
    }
  }
}
