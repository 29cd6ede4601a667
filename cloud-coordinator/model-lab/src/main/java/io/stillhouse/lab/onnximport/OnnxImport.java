package io.stillhouse.lab.onnximport;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.export.onnx.GraphProto;
import io.stillhouse.lab.export.onnx.ModelProto;
import io.stillhouse.lab.export.onnx.NodeProto;
import io.stillhouse.lab.export.onnx.OperatorSetIdProto;
import io.stillhouse.lab.export.onnx.TensorProto;
import io.stillhouse.lab.export.onnx.TensorShapeProto;
import io.stillhouse.lab.export.onnx.ValueInfoProto;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.graph.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reads an image classifier from an ONNX file: one float input (batch, channels, height, width),
 * and as its first output the logits or their softmax, which is left out. Layers keep the names of
 * the tensors that they made.
 *
 * <p>Operators are those of the networks that this lab knows, in the spellings of common exporters;
 * one without a counterpart is refused by name. The file may be hostile: sizes are bounded, and
 * tensors beside it are read from its own folder only.
 *
 * @see <a href="https://github.com/onnx/onnx/blob/main/docs/Operators.md">ONNX operators</a>
 */
public final class OnnxImport {
  /** Largest file that is read; a protocol buffer ends at twice that. */
  public static final long FILE_BYTES_MAX = 1L << 30;

  /** Oldest and newest version of the operator set whose operators are read. */
  static final long OPSET_MIN = 7;

  static final long OPSET_MAX = 21;

  private static final int FLOAT = 1;
  private static final String FIX = "Export the model anew, without that";

  private OnnxImport() {}

  /**
   * Reads a file.
   *
   * @param name of the network
   * @param image shape where the file leaves sides open; where it does not, they must agree
   */
  public static Network read(Path file, String name, ImageShape image) {
    String what = "model " + file;
    try {
      if (!Files.isRegularFile(file)) {
        throw new LabException(what, "there is no such file", "Name an ONNX file");
      }
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw new LabException(
            what, "it is larger than %d bytes".formatted(FILE_BYTES_MAX), "Use a smaller model");
      }
      ModelProto model = ModelProto.parseFrom(Files.readAllBytes(file));
      Path folder = file.toAbsolutePath().normalize().getParent();
      return network(model, folder == null ? Path.of("/") : folder, name, image);
    } catch (InvalidProtocolBufferException e) {
      throw new LabException(what, "it is no ONNX file", "Name an ONNX file", e);
    } catch (IOException e) {
      throw new LabException(what, String.valueOf(e.getMessage()), "Check the file", e);
    } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
      throw new LabException(what, String.valueOf(e.getMessage()), FIX, e);
    }
  }

  private static Network network(ModelProto model, Path folder, String name, ImageShape image)
      throws IOException {
    GraphProto graph = model.getGraph();
    if (graph.getNodeCount() == 0 || graph.getOutputCount() == 0) {
      throw new IllegalArgumentException("it is no ONNX file, or one without nodes");
    }
    requireOpset(model);
    TensorReader tensors = new TensorReader(folder);
    Set<String> given =
        graph.getInitializerList().stream().map(TensorProto::getName).collect(Collectors.toSet());
    List<ValueInfoProto> inputs =
        graph.getInputList().stream().filter(input -> !given.contains(input.getName())).toList();
    if (inputs.size() != 1) {
      throw new IllegalArgumentException(
          "it has %d inputs (expected: 1, an image)".formatted(inputs.size()));
    }
    ValueInfoProto input = inputs.get(0);
    GraphAssembly assembly = new GraphAssembly(shape(input, image));
    Reading reading = new Reading(assembly, batch(input), readers(graph));
    reading.set(input.getName(), assembly.image());
    for (TensorProto tensor : graph.getInitializerList()) {
      reading.set(tensor.getName(), tensors.read(tensor));
    }
    ConstantFolding folding = new ConstantFolding(reading, tensors);
    Operators operators = new Operators(reading);
    for (NodeProto node : graph.getNodeList()) {
      Operation op = new Operation(node);
      try {
        Optional<ConstantTensor> number = folding.fold(op);
        if (number.isPresent()) {
          reading.set(op.output(), number.get());
        } else {
          operators.apply(op);
        }
      } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
        throw new IllegalArgumentException(op.place() + ": " + e.getMessage(), e);
      }
    }
    return assembly.network(name, reading.result(graph.getOutput(0).getName()));
  }

  private static void requireOpset(ModelProto model) {
    long opset =
        model.getOpsetImportList().stream()
            .filter(set -> set.getDomain().isEmpty() || set.getDomain().equals("ai.onnx"))
            .mapToLong(OperatorSetIdProto::getVersion)
            .max()
            .orElse(1);
    if (opset < OPSET_MIN || opset > OPSET_MAX) {
      throw new IllegalArgumentException(
          "operator set %d (expected: %d to %d)".formatted(opset, OPSET_MIN, OPSET_MAX));
    }
  }

  private static Map<String, Integer> readers(GraphProto graph) {
    Map<String, Integer> readers = new HashMap<>();
    for (NodeProto node : graph.getNodeList()) {
      node.getInputList().forEach(tensor -> readers.merge(tensor, 1, Integer::sum));
    }
    graph.getOutputList().forEach(output -> readers.merge(output.getName(), 1, Integer::sum));
    return readers;
  }

  private static TensorShapeProto dims(ValueInfoProto input) {
    if (input.getType().getTensorType().getElemType() != FLOAT) {
      throw new IllegalArgumentException(
          "input %s has element type %d (expected: %d, float)"
              .formatted(input.getName(), input.getType().getTensorType().getElemType(), FLOAT));
    }
    TensorShapeProto dims = input.getType().getTensorType().getShape();
    if (dims.getDimCount() != 4) {
      throw new IllegalArgumentException(
          "input %s has %d dimensions (expected: 4: batch, channels, height, width)"
              .formatted(input.getName(), dims.getDimCount()));
    }
    return dims;
  }

  private static int batch(ValueInfoProto input) {
    long batch = dims(input).getDim(0).getDimValue();
    return batch > 0 && batch <= Short.MAX_VALUE ? (int) batch : 1;
  }

  private static ImageShape shape(ValueInfoProto input, ImageShape image) {
    TensorShapeProto dims = dims(input);
    int[] wanted = {image.channels(), image.height(), image.width()};
    for (int i = 0; i < wanted.length; i++) {
      long given = dims.getDim(i + 1).getDimValue();
      if (given > 0 && given != wanted[i]) {
        throw new IllegalArgumentException(
            "input %s is %dx%dx%d (expected: %s, as the images of the data are)"
                .formatted(
                    input.getName(),
                    dims.getDim(1).getDimValue(),
                    dims.getDim(2).getDimValue(),
                    dims.getDim(3).getDimValue(),
                    image));
      }
    }
    return image;
  }
}
