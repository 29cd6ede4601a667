package io.stillhouse.lab.export;

import static io.stillhouse.lab.export.OnnxFile.attribute;

import io.stillhouse.model.graph.Node;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Weights of few different values as a palette and places in it, which the runtime looks up once,
 * when it loads the file (Han et al. 2016, arXiv 1510.00149). Up to 4 and up to 16 values, places
 * are packed four and two to a byte: n = b mod 2^bits, then (b / 2^bits) mod 2^bits, and so on,
 * each as one run of the places. More values take a byte each. Operators of opset 13 only.
 */
final class PaletteCoding extends StoredWeightCoding {
  private static final int VALUES_MAX = 256;

  PaletteCoding(OnnxFile file) {
    super(file);
  }

  @Override
  public String weight(Node node, float[] values, int... dims) {
    TreeMap<Float, Integer> palette = new TreeMap<>();
    for (float value : values) {
      palette.put(value, 0);
      if (palette.size() > VALUES_MAX) {
        return super.weight(node, values, dims);
      }
    }
    float[] codebook = new float[palette.size()];
    int next = 0;
    for (Map.Entry<Float, Integer> entry : palette.entrySet()) {
      codebook[next] = entry.getKey();
      entry.setValue(next++);
    }
    byte[] places = new byte[values.length];
    for (int i = 0; i < places.length; i++) {
      places[i] = palette.getOrDefault(values[i], 0).byteValue();
    }
    String name = node.name() + ".weight";
    int bits = codebook.length <= 4 ? 2 : codebook.length <= 16 ? 4 : 8;
    String whole =
        bits == 8
            ? cast(
                name + "_at",
                file().bytes(name + "_q", OnnxFile.UINT8, places, dims),
                OnnxFile.INT32)
            : unpacked(name, packed(places, bits), bits, dims);
    return file()
        .node(
            "Gather",
            name,
            List.of(file().floats(name + "_palette", codebook, codebook.length), whole),
            attribute("axis", 0L));
  }

  /** Runs of equal length, the last filled up with zeros; byte i holds place i of every run. */
  static byte[] packed(byte[] places, int bits) {
    int runs = 8 / bits;
    int length = (places.length + runs - 1) / runs;
    byte[] bytes = new byte[length];
    for (int i = 0; i < places.length; i++) {
      bytes[i % length] |= (byte) (places[i] << (i / length * bits));
    }
    return bytes;
  }

  private String unpacked(String name, byte[] bytes, int bits, int[] dims) {
    String left =
        cast(
            name + "_bytes",
            file().bytes(name + "_q", OnnxFile.UINT8, bytes, bytes.length),
            OnnxFile.INT32);
    String base = file().ints(name + "_base", new int[] {1 << bits});
    int runs = 8 / bits;
    String[] parts = new String[runs];
    for (int r = 0; r < runs; r++) {
      if (r > 0) {
        left = file().node("Div", name + "_left" + r, List.of(left, base));
      }
      parts[r] = file().node("Mod", name + "_run" + r, List.of(left, base));
    }
    String all = file().node("Concat", name + "_runs", List.of(parts), attribute("axis", 0L));
    int count = 1;
    long[] shape = new long[dims.length];
    for (int i = 0; i < dims.length; i++) {
      count *= dims[i];
      shape[i] = dims[i];
    }
    String exact =
        file()
            .node(
                "Slice",
                name + "_exact",
                List.of(
                    all,
                    file().longs(name + "_from", 0),
                    file().longs(name + "_to", count),
                    file().longs(name + "_axis", 0)));
    return file()
        .node("Reshape", name + "_at", List.of(exact, file().longs(name + "_shape", shape)));
  }
}
