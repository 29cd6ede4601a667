package io.stillhouse.lab.tensor;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Maps of a student and a teacher that may be compared: the last result of a non-linearity at each
 * spatial size that both have, largest first. Both see the same image, so equal sizes are equal
 * places in it.
 */
public final class FeaturePairs {
  private FeaturePairs() {}

  /**
   * Two nodes whose maps have the same height and width.
   *
   * @param studentChannels channels of the student's map
   * @param teacherChannels channels of the teacher's map
   */
  public record Pair(String student, String teacher, int studentChannels, int teacherChannels) {}

  /** Refuses networks that have no size in common. */
  public static List<Pair> of(NetworkGraph student, NetworkGraph teacher) {
    Map<List<Integer>, Node> ofStudent = lastBySize(student);
    Map<List<Integer>, Node> ofTeacher = lastBySize(teacher);
    List<Pair> pairs = new ArrayList<>();
    ofStudent.forEach(
        (size, node) -> {
          Node other = ofTeacher.get(size);
          if (other != null) {
            pairs.add(
                new Pair(
                    node.name(), other.name(), channels(student, node), channels(teacher, other)));
          }
        });
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(
          "student %s and teacher %s have no maps of the same size"
              .formatted(student.name(), teacher.name()));
    }
    return pairs;
  }

  /** The pair in the middle of the network: where a hint neither fixes all nor comes too late. */
  public static Pair middle(List<Pair> pairs) {
    return pairs.get(pairs.size() / 2);
  }

  /** The vector that the classifier reads. */
  static String embedding(NetworkGraph graph) {
    return graph.output().inputs().get(0);
  }

  private static Map<List<Integer>, Node> lastBySize(NetworkGraph graph) {
    Map<List<Integer>, Node> last = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      ImageShape shape = graph.shapes().getOrDefault(node.name(), graph.input());
      if (node.layer() instanceof Layer.Activation && shape.height() * shape.width() > 1) {
        last.put(List.of(shape.height(), shape.width()), node);
      }
    }
    return last;
  }

  private static int channels(NetworkGraph graph, Node node) {
    return graph.shapes().getOrDefault(node.name(), graph.input()).channels();
  }
}
