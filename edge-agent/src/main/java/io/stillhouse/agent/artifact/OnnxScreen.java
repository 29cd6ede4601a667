package io.stillhouse.agent.artifact;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.stillhouse.agent.reconcile.RefusalReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * A look at a model file's structure before any native code sees it. It walks the protobuf wire
 * form of an ONNX file and refuses what it does not know: operators off the list, sub-graphs,
 * functions, external data, other value types than tensors, counts and dimensions beyond the bounds
 * of {@link OnnxRules}, tensors that claim more elements than they carry.
 *
 * <p>The walk follows the schema, whose recursion it does not allow, so nesting is bounded by this
 * code's own depth. A field that comes twice is checked twice; the last name counts, as it does for
 * any protobuf reader. Hostile bytes can only be refused. That a model passes does not make it
 * good: the self-test's child process decides that.
 *
 * <p>One instance screens one file.
 */
public final class OnnxScreen {
  private final CodedInputStream in;
  private int nodes;
  private int tensors;
  private int values;
  private int graphs;

  private OnnxScreen(CodedInputStream in) {
    this.in = in;
  }

  /**
   * Reads a model file to its end.
   *
   * @throws ArtifactRefusedException {@code UNSAFE_MODEL}, with what was met
   * @throws IOException when the file cannot be read
   */
  public static void check(InputStream file) throws ArtifactRefusedException, IOException {
    CodedInputStream coded = CodedInputStream.newInstance(file);
    coded.setSizeLimit(Integer.MAX_VALUE);
    try {
      new OnnxScreen(coded).model();
    } catch (InvalidProtocolBufferException e) {
      throw unsafe("the file is not a protobuf message: " + e.getMessage());
    }
  }

  private void model() throws ArtifactRefusedException, IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> { // ir_version
          long version = number(tag);
          require(
              version >= 3 && version <= OnnxRules.IR_VERSION_MAX,
              "IR version %d (expected: 3 to %d)".formatted(version, OnnxRules.IR_VERSION_MAX));
        }
        case 5 -> number(tag); // model_version
        case 2, 3, 4, 6, 14 -> skip(tag); // producer, domain, documentation, metadata
        case 7 -> { // graph
          require(++graphs == 1, "more than one graph");
          inside(tag, this::graph);
        }
        case 8 -> inside(tag, this::operatorSet);
        default -> throw unknown("model", tag); // training_info, functions and later inventions
      }
    }
    require(graphs == 1 && nodes > 0, "a model without a graph");
  }

  private void operatorSet() throws ArtifactRefusedException, IOException {
    String domain = "";
    long version = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> domain = text(tag);
        case 2 -> version = number(tag);
        default -> throw unknown("operator set", tag);
      }
    }
    boolean known =
        switch (domain) {
          case "", "ai.onnx" -> version >= OnnxRules.OPSET_MIN && version <= OnnxRules.OPSET_MAX;
          case "com.microsoft" -> version == 1;
          default -> false;
        };
    require(known, "operator set \"%s\" version %d".formatted(domain, version));
  }

  private void graph() throws ArtifactRefusedException, IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> {
          require(++nodes <= OnnxRules.NODES_MAX, "more than " + OnnxRules.NODES_MAX + " nodes");
          inside(tag, this::node);
        }
        case 2, 10 -> skip(tag); // name, documentation
        case 5 -> inside(tag, this::tensor);
        case 11, 12, 13 -> inside(tag, this::value);
        default -> throw unknown("graph", tag); // sparse_initializer, quantization_annotation
      }
    }
  }

  private void node() throws ArtifactRefusedException, IOException {
    String operator = "";
    String domain = "";
    int edges = 0;
    int attributes = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1, 2 -> {
          require(++edges <= OnnxRules.NODE_EDGES_MAX, "a node with too many inputs and outputs");
          text(tag);
        }
        case 3, 6 -> skip(tag); // name, documentation
        case 4 -> operator = text(tag);
        case 5 -> {
          require(++attributes <= OnnxRules.ATTRIBUTES_MAX, "a node with too many attributes");
          inside(tag, this::attribute);
        }
        case 7 -> domain = text(tag);
        default -> throw unknown("node", tag); // overload: functions
      }
    }
    require(
        OnnxRules.allows(domain, operator),
        "operator \"%.40s\" of domain \"%.40s\" is not on the list".formatted(operator, domain));
  }

  private void attribute() throws ArtifactRefusedException, IOException {
    String name = "";
    long largest = 0;
    int items = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> name = text(tag);
        case 2 -> { // f
          wire(tag, WireFormat.WIRETYPE_FIXED32);
          in.skipRawBytes(4);
        }
        case 3 -> largest = Math.max(largest, magnitude(number(tag)));
        case 4 -> text(tag); // s
        case 5 -> inside(tag, this::tensor);
        case 7 -> { // floats
          if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_FIXED32) {
            in.skipRawBytes(4);
            items++;
          } else {
            items += skip(tag) / 4;
          }
        }
        case 8 -> { // ints
          if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT) {
            largest = Math.max(largest, magnitude(in.readInt64()));
            items++;
          } else {
            int limit = enter(tag);
            while (!in.isAtEnd()) {
              largest = Math.max(largest, magnitude(in.readInt64()));
              require(++items <= OnnxRules.LIST_ITEMS_MAX, "an attribute with too many numbers");
            }
            in.popLimit(limit);
          }
        }
        case 9 -> { // strings
          text(tag);
          items++;
        }
        case 13 -> skip(tag); // documentation
        case 20 -> number(tag); // type
        default -> throw unknown("attribute", tag); // graphs, sparse tensors, type descriptions
      }
      require(items <= OnnxRules.LIST_ITEMS_MAX, "an attribute with too many items");
    }
    long bound = name.equals("pads") ? OnnxRules.PADS_MAX : OnnxRules.ATTRIBUTE_MAX;
    require(
        largest <= bound,
        "attribute \"%.40s\" holds %d (expected: at most %d)".formatted(name, largest, bound));
  }

  private void tensor() throws ArtifactRefusedException, IOException {
    require(++tensors <= OnnxRules.TENSORS_MAX, "more than " + OnnxRules.TENSORS_MAX + " tensors");
    Dimensions dims = new Dimensions();
    long type = 0;
    long rawBytes = -1;
    long listed = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> {
          if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT) {
            dims.add(in.readInt64());
          } else {
            int limit = enter(tag);
            while (!in.isAtEnd()) {
              dims.add(in.readInt64());
            }
            in.popLimit(limit);
          }
        }
        case 2 -> type = number(tag);
        case 4 -> listed += fixedItems(tag, WireFormat.WIRETYPE_FIXED32, 4);
        case 5, 7, 11 -> listed += varintItems(tag);
        case 10 -> listed += fixedItems(tag, WireFormat.WIRETYPE_FIXED64, 8);
        case 8, 12 -> skip(tag); // name, documentation
        case 9 -> {
          require(rawBytes < 0, "a tensor with two contents");
          rawBytes = skip(tag);
        }
        case 14 -> require(number(tag) == 0, "external data");
        case 13 -> throw unsafe("external data");
        default -> throw unknown("tensor", tag); // segments, strings
      }
    }
    int elementBytes = OnnxRules.elementBytes(type);
    require(elementBytes > 0, "a tensor of element type %d".formatted(type));
    boolean carried =
        rawBytes >= 0
            ? listed == 0 && rawBytes == dims.elements() * elementBytes
            : listed == dims.elements();
    require(
        carried,
        "a tensor of %d elements that carries %d bytes and %d items"
            .formatted(dims.elements(), Math.max(0, rawBytes), listed));
  }

  private void value() throws ArtifactRefusedException, IOException {
    require(++values <= OnnxRules.VALUES_MAX, "more than " + OnnxRules.VALUES_MAX + " values");
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1, 3 -> skip(tag); // name, documentation
        case 2 -> inside(tag, this::type);
        default -> throw unknown("value", tag);
      }
    }
  }

  private void type() throws ArtifactRefusedException, IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> inside(tag, this::tensorType);
        case 6 -> skip(tag); // denotation
        default -> throw unknown("value type", tag); // sequences, maps, optionals
      }
    }
  }

  private void tensorType() throws ArtifactRefusedException, IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> {
          long type = number(tag);
          require(OnnxRules.elementBytes(type) > 0, "a value of element type %d".formatted(type));
        }
        case 2 -> inside(tag, this::shape);
        default -> throw unknown("tensor type", tag);
      }
    }
  }

  private void shape() throws ArtifactRefusedException, IOException {
    Dimensions dims = new Dimensions();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (WireFormat.getTagFieldNumber(tag) != 1) {
        throw unknown("shape", tag);
      }
      inside(tag, () -> dimension(dims));
    }
  }

  private void dimension(Dimensions dims) throws ArtifactRefusedException, IOException {
    long size = 1;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> size = number(tag);
        case 2, 3 -> skip(tag); // a symbolic name, a denotation
        default -> throw unknown("dimension", tag);
      }
    }
    dims.add(size);
  }

  /** A product that never exceeds its bound, so it never overflows. */
  private static final class Dimensions {
    private long elements = 1;
    private int count;

    void add(long size) throws ArtifactRefusedException {
      require(++count <= OnnxRules.DIMS_MAX, "more than " + OnnxRules.DIMS_MAX + " dimensions");
      require(size >= 0 && size <= OnnxRules.ELEMENTS_MAX, "a dimension of %d".formatted(size));
      elements *= size;
      require(
          elements <= OnnxRules.ELEMENTS_MAX,
          "%d elements in one tensor (expected: at most %d)"
              .formatted(elements, OnnxRules.ELEMENTS_MAX));
    }

    long elements() {
      return elements;
    }
  }

  private interface Walk {
    void walk() throws ArtifactRefusedException, IOException;
  }

  private void inside(int tag, Walk walk) throws ArtifactRefusedException, IOException {
    int limit = enter(tag);
    walk.walk();
    in.checkLastTagWas(0);
    in.popLimit(limit);
  }

  private int enter(int tag) throws ArtifactRefusedException, IOException {
    wire(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    return in.pushLimit(in.readRawVarint32());
  }

  private long number(int tag) throws ArtifactRefusedException, IOException {
    wire(tag, WireFormat.WIRETYPE_VARINT);
    return in.readInt64();
  }

  private String text(int tag) throws ArtifactRefusedException, IOException {
    wire(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    int length = in.readRawVarint32();
    require(
        length >= 0 && length <= OnnxRules.TEXT_BYTES_MAX, "a text of %d bytes".formatted(length));
    return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
  }

  /** Passes over bytes without keeping them; how many there were. */
  private int skip(int tag) throws ArtifactRefusedException, IOException {
    wire(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    int length = in.readRawVarint32();
    in.skipRawBytes(length);
    return length;
  }

  private long fixedItems(int tag, int single, int bytes)
      throws ArtifactRefusedException, IOException {
    if (WireFormat.getTagWireType(tag) == single) {
      in.skipRawBytes(bytes);
      return 1;
    }
    int length = skip(tag);
    require(length % bytes == 0, "a packed list of %d bytes".formatted(length));
    return length / bytes;
  }

  private long varintItems(int tag) throws ArtifactRefusedException, IOException {
    if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT) {
      in.readInt64();
      return 1;
    }
    int limit = enter(tag);
    long items = 0;
    while (!in.isAtEnd()) {
      in.readInt64();
      items++;
    }
    in.popLimit(limit);
    return items;
  }

  private static long magnitude(long value) {
    return value == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(value);
  }

  private static void wire(int tag, int expected) throws ArtifactRefusedException {
    require(
        WireFormat.getTagWireType(tag) == expected,
        "field %d in wire type %d (expected: %d)"
            .formatted(
                WireFormat.getTagFieldNumber(tag), WireFormat.getTagWireType(tag), expected));
  }

  private static void require(boolean holds, String otherwise) throws ArtifactRefusedException {
    if (!holds) {
      throw unsafe(otherwise);
    }
  }

  private static ArtifactRefusedException unknown(String where, int tag) {
    return unsafe(
        "field %d of a %s is not allowed".formatted(WireFormat.getTagFieldNumber(tag), where));
  }

  private static ArtifactRefusedException unsafe(String detail) {
    return ArtifactRefusedException.permanent(
        RefusalReason.UNSAFE_MODEL, "%s: %s".formatted(BundlePlan.MODEL, detail));
  }
}
