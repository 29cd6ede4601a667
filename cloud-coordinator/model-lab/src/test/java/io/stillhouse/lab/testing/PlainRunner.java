package io.stillhouse.lab.testing;

import io.stillhouse.lab.network.Network;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Inference written down from the definitions of the layers, in double precision and as slow as it
 * is plain: the reference that faster paths are compared with.
 */
public final class PlainRunner {
  private PlainRunner() {}

  /** Logits of one image. */
  public static double[] run(Network network, float[] image) {
    Map<String, ImageShape> shapes = network.graph().shapes();
    Map<String, double[]> values = new HashMap<>();
    for (Node node : network.graph().nodes()) {
      List<double[]> inputs = node.inputs().stream().map(values::get).toList();
      List<ImageShape> from = node.inputs().stream().map(shapes::get).toList();
      values.put(
          node.name(),
          node.layer() instanceof Layer.Input
              ? doubles(image)
              : apply(
                  network,
                  node,
                  new Maps(inputs, from),
                  Objects.requireNonNull(shapes.get(node.name()))));
    }
    return Objects.requireNonNull(values.get(network.graph().output().name()));
  }

  /** Feature maps that enter a node, and their shapes. */
  private record Maps(List<double[]> values, List<ImageShape> shapes) {}

  private static double[] apply(Network network, Node node, Maps in, ImageShape out) {
    Layer layer = node.layer();
    double[] x = in.values().get(0);
    ImageShape shape = in.shapes().get(0);
    double[] y = new double[Math.toIntExact(out.elements())];
    int area = out.height() * out.width();
    if (layer instanceof Layer.Conv conv) {
      conv(network, node.name(), conv, x, shape, y, out);
    } else if (layer instanceof Layer.Linear linear) {
      float[] w = network.weights().values(node.name() + ".weight");
      for (int o = 0; o < linear.out(); o++) {
        y[o] = linear.bias() ? network.weights().values(node.name() + ".bias")[o] : 0;
        for (int i = 0; i < linear.in(); i++) {
          y[o] += (double) w[o * linear.in() + i] * x[i];
        }
      }
    } else if (layer instanceof Layer.BatchNorm norm) {
      float[] gamma = network.weights().values(node.name() + ".gamma");
      float[] beta = network.weights().values(node.name() + ".beta");
      float[] mean = network.weights().values(node.name() + ".mean");
      float[] var = network.weights().values(node.name() + ".var");
      for (int i = 0; i < y.length; i++) {
        int c = i / area;
        y[i] = (x[i] - mean[c]) / Math.sqrt(var[c] + norm.epsilon()) * gamma[c] + beta[c];
      }
    } else if (layer instanceof Layer.Activation activation) {
      for (int i = 0; i < y.length; i++) {
        y[i] = activate(activation.function(), x[i]);
      }
    } else if (layer instanceof Layer.Add || layer instanceof Layer.Mul) {
      System.arraycopy(x, 0, y, 0, y.length);
      for (double[] other : in.values().subList(1, in.values().size())) {
        for (int i = 0; i < y.length; i++) {
          double b = other.length == y.length ? other[i] : other[i / area];
          y[i] = layer instanceof Layer.Add ? y[i] + b : y[i] * b;
        }
      }
    } else if (layer instanceof Layer.Concat) {
      int at = 0;
      for (double[] part : in.values()) {
        System.arraycopy(part, 0, y, at, part.length);
        at += part.length;
      }
    } else if (layer instanceof Layer.ChannelSlice slice) {
      System.arraycopy(x, slice.from() * area, y, 0, y.length);
    } else if (layer instanceof Layer.ChannelPad pad) {
      System.arraycopy(x, 0, y, pad.before() * area, x.length);
    } else if (layer instanceof Layer.ChannelShuffle shuffle) {
      int each = out.channels() / shuffle.groups();
      for (int c = 0; c < out.channels(); c++) {
        int to = c % each * shuffle.groups() + c / each;
        System.arraycopy(x, c * area, y, to * area, area);
      }
    } else if (layer instanceof Layer.GlobalAveragePool) {
      int n = shape.height() * shape.width();
      for (int i = 0; i < x.length; i++) {
        y[i / n] += x[i] / n;
      }
    } else if (layer instanceof Layer.MaxPool pool) {
      pool(x, shape, y, out, new int[] {pool.kernel(), pool.stride(), pool.pad()}, true);
    } else if (layer instanceof Layer.AveragePool pool) {
      pool(x, shape, y, out, new int[] {pool.kernel(), pool.stride(), pool.pad()}, false);
    } else {
      System.arraycopy(x, 0, y, 0, y.length);
    }
    return y;
  }

  private static void conv(
      Network network,
      String name,
      Layer.Conv conv,
      double[] x,
      ImageShape in,
      double[] y,
      ImageShape out) {
    float[] w = network.weights().values(name + ".weight");
    float[] bias = conv.bias() ? network.weights().values(name + ".bias") : new float[conv.out()];
    int inEach = conv.in() / conv.groups();
    int outEach = conv.out() / conv.groups();
    for (int o = 0; o < conv.out(); o++) {
      for (int h = 0; h < out.height(); h++) {
        for (int v = 0; v < out.width(); v++) {
          double sum = bias[o];
          for (int i = 0; i < inEach; i++) {
            for (int kh = 0; kh < conv.kernelHeight(); kh++) {
              for (int kw = 0; kw < conv.kernelWidth(); kw++) {
                int ih = h * conv.stride() + kh - conv.padHeight();
                int iw = v * conv.stride() + kw - conv.padWidth();
                if (ih >= 0 && ih < in.height() && iw >= 0 && iw < in.width()) {
                  int c = o / outEach * inEach + i;
                  sum +=
                      x[(c * in.height() + ih) * in.width() + iw]
                          * w[
                              ((o * inEach + i) * conv.kernelHeight() + kh) * conv.kernelWidth()
                                  + kw];
                }
              }
            }
          }
          y[(o * out.height() + h) * out.width() + v] = sum;
        }
      }
    }
  }

  private static void pool(
      double[] x, ImageShape in, double[] y, ImageShape out, int[] kernelStridePad, boolean max) {
    int kernel = kernelStridePad[0];
    for (int c = 0; c < out.channels(); c++) {
      for (int h = 0; h < out.height(); h++) {
        for (int v = 0; v < out.width(); v++) {
          double best = max ? Double.NEGATIVE_INFINITY : 0;
          for (int k = 0; k < kernel * kernel; k++) {
            int ih = h * kernelStridePad[1] + k / kernel - kernelStridePad[2];
            int iw = v * kernelStridePad[1] + k % kernel - kernelStridePad[2];
            if (ih >= 0 && ih < in.height() && iw >= 0 && iw < in.width()) {
              double value = x[(c * in.height() + ih) * in.width() + iw];
              best = max ? Math.max(best, value) : best + value / (kernel * kernel);
            }
          }
          y[(c * out.height() + h) * out.width() + v] = best;
        }
      }
    }
  }

  private static double activate(Layer.Activation.Function function, double x) {
    double hard = Math.max(0, Math.min(1, x / 6 + 0.5));
    return switch (function) {
      case RELU -> Math.max(0, x);
      case RELU6 -> Math.max(0, Math.min(6, x));
      case HARD_SIGMOID -> hard;
      case HARD_SWISH -> x * hard;
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case SILU -> x / (1 + Math.exp(-x));
    };
  }

  private static double[] doubles(float[] values) {
    double[] copy = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      copy[i] = values[i];
    }
    return copy;
  }
}
