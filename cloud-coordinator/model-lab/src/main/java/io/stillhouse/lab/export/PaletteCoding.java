package io.stillhouse.lab.export;

import static io.stillhouse.lab.export.OnnxFile.attribute;

import io.stillhouse.model.graph.Node;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Weights of few different values as a palette and places in it, which the runtime looks up once,
 * when it loads the file (Han et al. 2016, arXiv 1510.00149). Up to 4 and up to 16 values, four and
 * two neighbouring places are packed to a byte, the first in its lowest bits; a table of all bytes,
 * which the layers share, takes them apart. More values take a byte each. Operators of opset 13
 * only.
 */
final class PaletteCoding extends StoredWeightCoding {
  private static final int VALUES_MAX = 256;

  /** Widths of places whose table the file has. */
  private final Set<Integer> tables = new HashSet<>();

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

  /** Neighbours in one byte, the first in its lowest bits; the last byte filled up with zeros. */
  static byte[] packed(byte[] places, int bits) {
    int each = 8 / bits;
    byte[] bytes = new byte[(places.length + each - 1) / each];
    for (int i = 0; i < places.length; i++) {
      bytes[i / each] |= (byte) (places[i] << (i % each * bits));
    }
    return bytes;
  }

  /** What every byte holds: places of byte b from {@code b * 8 / bits} on. */
  static int[] table(int bits) {
    int each = 8 / bits;
    int[] places = new int[256 * each];
    for (int i = 0; i < places.length; i++) {
      places[i] = ((i / each) >> (i % each * bits)) & ((1 << bits) - 1);
    }
    return places;
  }

  private String unpacked(String name, byte[] bytes, int bits, int[] dims) {
    String table = "places" + bits;
    if (tables.add(bits)) {
      file().ints(table, table(bits), 256, 8 / bits);
    }
    int count = 1;
    long[] shape = new long[dims.length];
    for (int i = 0; i < dims.length; i++) {
      count *= dims[i];
      shape[i] = dims[i];
    }
    String packed = file().bytes(name + "_q", OnnxFile.UINT8, bytes, bytes.length);
    String places =
        file()
            .node(
                "Gather",
                name + "_some",
                List.of(table, cast(name + "_bytes", packed, OnnxFile.INT32)));
    if (count % (8 / bits) != 0) {
      places = exact(name, places, count);
    }
    return file()
        .node("Reshape", name + "_at", List.of(places, file().longs(name + "_shape", shape)));
  }

  /** Without what fills up the last byte. */
  private String exact(String name, String places, int count) {
    String row =
        file().node("Reshape", name + "_row", List.of(places, file().longs(name + "_all", -1)));
    return file()
        .node(
            "Slice",
            name + "_exact",
            List.of(
                row,
                file().longs(name + "_from", 0),
                file().longs(name + "_to", count),
                file().longs(name + "_axis", 0)));
  }
}
