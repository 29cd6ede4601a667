package io.stillhouse.lab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.model.Precision;
import java.io.StringReader;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class ReportPageTest {
  private static final String HOSTILE = "a<script>alert('x')</script>&\"b\u0007";

  private static Stage stage(String name, double accuracy, long macs, long file, long wire) {
    return stage(name, accuracy, new Evaluation.Size(100, macs, file, wire, 40), 50);
  }

  private static Stage stage(String name, double accuracy, Evaluation.Size size, long fp32Micros) {
    return new Stage(
        name,
        new Evaluation(
            HOSTILE, Precision.FP32, accuracy, size, new Evaluation.Speed(fp32Micros, 60, 0)),
        new Stage.Speed(OptionalLong.of(fp32Micros), OptionalLong.empty()));
  }

  private static CompressionReport report() {
    return new CompressionReport(
        List.of(
            stage("teacher", 0.9, 4_000, 8_000, 7_000), stage(HOSTILE, 0.8875, 1_000, 1_000, 500)),
        Map.of(
            "step1.sensitivity",
            Map.of(
                "method",
                "prune",
                "baseline",
                0.9,
                "rows",
                List.of(
                    Map.of("layer", HOSTILE, "setting", 0.5, "accuracy", 0.85),
                    Map.of("layer", "b", "setting", 0.5, "accuracy", 0.89))),
            "step2.lowRank",
            List.of(Map.of("layer", "c", "rank", 3L)),
            "step3.word",
            HOSTILE,
            "step4.simulated",
            Map.of("accuracyInTraining", 0.8871)),
        Map.of("recipe", HOSTILE));
  }

  private static Document parsed(String page) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    return factory
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(page.substring(page.indexOf("<html")))));
  }

  @Test
  void the_page_is_well_formed_needs_nothing_from_elsewhere_and_runs_nothing() throws Exception {
    String page = ReportPage.of(report());
    Document document = parsed(page);
    assertThat(document.getElementsByTagName("script").getLength()).isZero();
    assertThat(document.getElementsByTagNameNS("http://www.w3.org/2000/svg", "svg").getLength())
        .isEqualTo(3);
    assertThat(page).doesNotContain("src=").doesNotContain("href=").doesNotContain("url(");
    assertThat(document.getDocumentElement().getTextContent()).contains("a<script>alert('x')");
  }

  @Test
  void teacher_and_student_stand_side_by_side_in_four_qualities() {
    assertThat(report().qualities().stream().map(q -> q.figure().quality()).distinct())
        .containsExactly("low memory", "low compute", "high accuracy", "real time");
    assertThat(ReportPage.of(report()))
        .contains("<td>4.00 times less</td>")
        .contains("<td>-1.25 points</td>")
        .contains("<td>8.00 times less</td>");
  }

  @Test
  void what_a_step_found_out_stands_under_its_number_and_what_it_is() {
    assertThat(ReportPage.of(report()))
        .contains("<h2>Step 1: sensitivity of each layer</h2>")
        .contains("<h2>Step 2: factorised layers</h2>")
        .contains("<h2>Step 3: word</h2>")
        .contains("<h2>Step 4: as training simulates it</h2>")
        .contains("<th scope=\"col\">accuracyInTraining</th>")
        .contains("<td>0.8871</td>");
  }

  @Test
  void sensitivity_of_any_step_is_plotted_and_says_which_step_and_which_measure() {
    assertThat(ReportPage.of(report()))
        .contains("prune: largest change of accuracy by one layer alone, from 90.00 %")
        .contains(">-5.00 points</text>")
        .contains(">-1.00 points</text>");
    String errors =
        pageWith(
            Map.of(
                "method",
                "quantize",
                "measure",
                "error",
                "baseline",
                0.5,
                "rows",
                List.of(
                    Map.of("layer", "stem", "setting", 8, "error", 0.125, "accuracy", 0.9),
                    Map.of("layer", "head", "setting", 8, "error", 0.625, "accuracy", 0.9))));
    assertThat(errors)
        .contains("<h2>Step 2: sensitivity of each layer</h2>")
        .contains("quantize: largest change of error by one layer alone, from 0.5000")
        .contains(">-0.3750</text>")
        .contains(">+0.1250</text>");
    assertThat(
            pageWith(
                Map.of(
                    "method",
                    "quantize",
                    "rows",
                    List.of(Map.of("layer", "stem", "setting", 8, "noise", 0.25)))))
        .contains("quantize: noise, one layer alone")
        .contains(">0.2500</text>");
  }

  @Test
  void rows_without_a_figure_are_a_table_and_no_plot() {
    String page = pageWith(Map.of("rows", List.of(Map.of("layer", "stem", "kept", "fp32"))));
    assertThat(page).contains("<td>fp32</td>").doesNotContain("one layer alone");
  }

  private static String pageWith(Map<String, Object> note) {
    return ReportPage.of(
        new CompressionReport(report().stages(), Map.of("step2.sensitivity", note), Map.of()));
  }

  @Test
  void the_document_has_every_stage_and_the_totals() {
    JsonNode document = new ObjectMapper().valueToTree(report().toFields());
    assertThat(document.path("accuracy").asDouble()).isEqualTo(0.8875);
    assertThat(document.path("teacherAccuracy").asDouble()).isEqualTo(0.9);
    assertThat(document.path("stages")).hasSize(2);
    JsonNode student = document.path("stages").get(1);
    assertThat(student.path("macs").asLong()).isEqualTo(1_000);
    assertThat(student.path("fp32P50Micros").asLong()).isEqualTo(50);
    assertThat(student.has("int8P50Micros")).isFalse();
    assertThat(document.path("timesSmaller").path("macs").asDouble()).isEqualTo(4);
    assertThat(document.path("timesSmaller").path("fileBytes").asDouble()).isEqualTo(8);
    assertThat(document.path("timesSmaller").path("wireBytes").asDouble()).isEqualTo(14);
  }

  @Test
  void the_document_has_the_four_qualities_and_they_follow_from_its_stages() {
    JsonNode document = new ObjectMapper().valueToTree(report().toFields());
    JsonNode teacher = document.path("stages").get(0);
    JsonNode student = document.path("stages").get(1);
    assertThat(document.path("qualities").findValuesAsText("quality"))
        .containsExactly("low memory", "low memory", "low compute", "high accuracy", "real time");
    for (JsonNode quality : document.path("qualities")) {
      String field = quality.path("field").asText();
      assertThat(quality.path("unit").asText()).as(field).isNotEmpty();
      assertThat(quality.path("measuredBy").asText()).as(field).isNotEmpty();
      double before = teacher.path(field).asDouble(Double.NaN);
      double after = student.path(field).asDouble(Double.NaN);
      assertThat(quality.path("teacher").asDouble()).as(field).isEqualTo(before);
      assertThat(quality.path("student").asDouble()).as(field).isEqualTo(after);
      if (field.equals("accuracy")) {
        assertThat(quality.path("points").asDouble()).isEqualTo(100 * (after - before));
      } else {
        assertThat(quality.path("timesLess").asDouble()).as(field).isEqualTo(before / after);
      }
    }
    assertThat(document.path("qualities").findValuesAsText("field"))
        .as("memory of a process was not measurable")
        .doesNotContain("peakMemoryBytes");
  }

  @Test
  void the_document_says_how_much_faster_each_precision_became_where_both_have_it() {
    Evaluation.Size size = new Evaluation.Size(1, 1, 1, 1, 1);
    Stage teacher = stage("teacher", 1, size, 90);
    Stage student =
        new Stage(
            "1 quantize",
            stage("", 1, size, 20).evaluation(),
            new Stage.Speed(OptionalLong.of(60), OptionalLong.of(20)));
    JsonNode without = totals(teacher, student);
    assertThat(without.path("fp32P50Micros").asDouble()).isEqualTo(1.5);
    assertThat(without.path("latencyP50Micros").asDouble()).isEqualTo(4.5);
    assertThat(without.has("int8P50Micros")).isFalse();
    Stage both =
        new Stage(
            "teacher",
            teacher.evaluation(),
            new Stage.Speed(OptionalLong.of(90), OptionalLong.of(50)));
    assertThat(totals(both, student).path("int8P50Micros").asDouble()).isEqualTo(2.5);
  }

  private static JsonNode totals(Stage teacher, Stage student) {
    return new ObjectMapper()
        .<JsonNode>valueToTree(
            new CompressionReport(List.of(teacher, student), Map.of(), Map.of()).toFields())
        .path("timesSmaller");
  }

  @Test
  void a_report_needs_a_student() {
    assertThatThrownBy(
            () -> new CompressionReport(List.of(stage("teacher", 1, 1, 1, 1)), Map.of(), Map.of()))
        .hasMessageContaining("stages: 1");
  }
}
