package io.stillhouse.model.network;

import static io.stillhouse.model.graph.Layer.Activation.Function.RELU;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.network.SeparableBlocks.Squeeze;

/** Rows that save by grouping, sharing or copying channels: Fire, ShuffleNet, Ghost. */
final class CheapBlocks {
  private CheapBlocks() {}

  /** Squeeze to few channels, expand by 1x1 and 3x3 side by side (Iandola et al. 2016). */
  record Fire(int squeeze, int expand) implements Block {
    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      String thin = site.name(".squeeze");
      thin = graph.biasedPointwise(thin + ".conv", site.from(), site.scaled(squeeze));
      thin = graph.activation(site.name(".squeeze"), thin, RELU);
      int wide = site.scaled(expand);
      String one = graph.biasedPointwise(site.name(".one.conv"), thin, wide);
      one = graph.activation(site.name(".one"), one, RELU);
      Layer.Conv conv = new Layer.Conv(graph.channels(thin), wide, 3, 3, 1, 1, 1, 1, true);
      String three = graph.add(site.name(".three.conv"), conv, thin);
      three = graph.activation(site.name(".three"), three, RELU);
      return graph.add(site.name(".concat"), new Layer.Concat(), one, three);
    }
  }

  /**
   * ShuffleNet's unit (Zhang et al. 2018): grouped 1x1, shuffle, depthwise 3x3, grouped 1x1, beside
   * an identity, or with stride 2 beside average pooling that it is concatenated to.
   *
   * @param firstGroups groups of the first convolution
   */
  record ShuffleOne(int out, int stride, int groups, int firstGroups) implements Block {
    @Override
    public Block unstrided() {
      return new ShuffleOne(out, 1, groups, groups);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int in = site.in();
      int whole = site.scaled(out);
      int mid = whole / 4;
      String main =
          graph.convNormAct(
              site.name(".down"), site.from(), Layer.Conv.of(in, mid, 1, 1, firstGroups), RELU);
      main = graph.add(site.name(".shuffle"), new Layer.ChannelShuffle(groups), main);
      main = graph.depthwise(site.name(".dw"), main, 3, stride);
      int made = stride == 1 ? whole : whole - in;
      if (made < 1) {
        throw new IllegalArgumentException(
            "width: %s leaves no new channels between %d and %d (expected: a wider network)"
                .formatted(site.scale().width(), in, whole));
      }
      main = graph.convNorm(site.name(".up"), main, Layer.Conv.of(mid, made, 1, 1, groups));
      if (stride == 1) {
        String sum = graph.add(site.name(".add"), new Layer.Add(), main, site.from());
        return graph.activation(site.prefix(), sum, RELU);
      }
      main = graph.activation(site.name(".up"), main, RELU);
      String pooled =
          graph.add(site.name(".pool"), new Layer.AveragePool(3, stride, 1), site.from());
      return graph.add(site.name(".concat"), new Layer.Concat(), pooled, main);
    }
  }

  /**
   * ShuffleNet V2's unit (Ma et al. 2018): half of the channels pass, the other half goes through
   * 1x1, depthwise 3x3, 1x1; with stride 2 both halves are made anew. Then a shuffle of two groups.
   */
  record ShuffleTwo(int out, int stride) implements Block {
    @Override
    public Block unstrided() {
      return new ShuffleTwo(out, 1);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int half = site.scaled(out) / 2;
      String left;
      String right;
      if (stride == 1) {
        left = graph.add(site.name(".left"), new Layer.ChannelSlice(0, half), site.from());
        right = graph.add(site.name(".right"), new Layer.ChannelSlice(half, 2 * half), site.from());
      } else {
        left = graph.depthwise(site.name(".left.dw"), site.from(), 3, stride);
        left = pointwise(graph, site.name(".left.pw"), left, half);
        right = site.from();
      }
      right = pointwise(graph, site.name(".first"), right, half);
      right = graph.depthwise(site.name(".dw"), right, 3, stride);
      right = pointwise(graph, site.name(".second"), right, half);
      String both = graph.add(site.name(".concat"), new Layer.Concat(), left, right);
      return graph.add(site.name(".shuffle"), new Layer.ChannelShuffle(2), both);
    }

    private static String pointwise(GraphBuilder graph, String prefix, String from, int out) {
      return graph.activation(prefix, graph.pointwise(prefix, from, out), RELU);
    }
  }

  /** Ghost bottleneck (Han et al. 2020). */
  record Ghost(int kernel, int expanded, int out, int stride, boolean squeezed) implements Block {
    @Override
    public Block unstrided() {
      return new Ghost(kernel, expanded, out, 1, squeezed);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int made = site.scaled(out);
      String main = module(graph, site.name(".wide"), site.from(), site.scaled(expanded), true);
      if (stride > 1) {
        main = graph.depthwise(site.name(".dw"), main, kernel, stride);
      }
      main = (squeezed ? Squeeze.GHOST : Squeeze.NONE).append(site, main);
      main = module(graph, site.name(".thin"), main, made, false);
      String shortcut = site.from();
      if (stride > 1 || made != site.in()) {
        shortcut = graph.depthwise(site.name(".shortcut.dw"), shortcut, kernel, stride);
        shortcut = graph.pointwise(site.name(".shortcut.pw"), shortcut, made);
      }
      return graph.add(site.name(".add"), new Layer.Add(), main, shortcut);
    }

    /**
     * Half of the channels by 1x1, the other half as a depthwise 3x3 of the first; an odd number
     * leaves the last copy out.
     */
    static String module(GraphBuilder graph, String prefix, String from, int out, boolean relu) {
      String real = graph.pointwise(prefix + ".real", from, (out + 1) / 2);
      real = relu ? graph.activation(prefix + ".real", real, Function.RELU) : real;
      String ghost = graph.depthwise(prefix + ".ghost", real, 3, 1);
      ghost = relu ? graph.activation(prefix + ".ghost", ghost, Function.RELU) : ghost;
      String both = graph.add(prefix + ".concat", new Layer.Concat(), real, ghost);
      return out % 2 == 0
          ? both
          : graph.add(prefix + ".even", new Layer.ChannelSlice(0, out), both);
    }
  }
}
