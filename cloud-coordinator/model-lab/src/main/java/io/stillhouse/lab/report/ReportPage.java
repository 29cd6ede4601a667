package io.stillhouse.lab.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The page {@code report.html}: one file, no script, nothing fetched, any text escaped. */
public final class ReportPage {
  private static final String STYLE =
      """
      :root{color-scheme:light dark;--ink:#1d2733;--paper:#fff;--rule:#d5dbe1;--bar:#3f72af}
      @media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--paper:#14191f;--rule:#3a444f;--bar:#7fb0ea}}
      body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
      max-width:72rem;margin:0 auto;padding:1rem}
      table{border-collapse:collapse;display:block;overflow-x:auto;margin:.5rem 0 1.5rem}
      th,td{padding:.25rem .6rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
      th:first-child,td:first-child{text-align:left}
      figure{margin:1rem 0}svg{max-width:100%;height:auto}
      svg text{font:12px system-ui,sans-serif;fill:var(--ink);
      paint-order:stroke;stroke:var(--paper);stroke-width:3px}
      .bar,.mark{fill:var(--bar)}.axis,.line{fill:none;stroke:var(--ink)}.line{stroke:var(--bar)}
      pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--rule);padding:.6rem}
      """;

  private static final Pattern NOTE = Pattern.compile("step(\\d+)\\.(\\w+)");
  private static final Map<String, String> NOTE_TITLES =
      Map.of(
          "sensitivity", "sensitivity of each layer",
          "quantize", "what was tried to keep the accuracy",
          "simulated", "as training simulates it",
          "prune", "channels before and after",
          "lowRank", "factorised layers",
          "redesign", "redesigned layers");

  private final StringBuilder page = new StringBuilder();

  private ReportPage() {}

  /** The page of a report. */
  public static String of(CompressionReport report) {
    return new ReportPage().render(report);
  }

  private String render(CompressionReport report) {
    String name = report.student().network();
    page.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>")
        .append("<title>Compression of ")
        .append(escaped(report.teacher().network()))
        .append("</title><style>")
        .append(STYLE)
        .append("</style></head><body>\n");
    heading(1, "From " + report.teacher().network() + " to " + name);
    heading(2, "Four qualities");
    table(
        List.of("quality", "measure", "teacher", "student", "change"),
        report.qualities().stream()
            .map(
                q ->
                    List.of(
                        q.figure().quality(),
                        q.figure().heading(),
                        q.text(Quality::teacher),
                        q.text(Quality::student),
                        q.change()))
            .toList());
    stages(report.stages());
    notes(report.notes());
    heading(2, "How it was made");
    report
        .origin()
        .forEach(
            (key, value) ->
                page.append("<h3>")
                    .append(escaped(key))
                    .append("</h3><pre>")
                    .append(escaped(String.valueOf(value)))
                    .append("</pre>\n"));
    page.append(
        "<p>Accuracy and latency were measured in ONNX Runtime on the machine that made the student,"
            + " one thread; a device measures its own.</p>\n");
    return page.append("</body></html>\n").toString();
  }

  private void stages(List<Stage> stages) {
    heading(2, "Step by step");
    table(
        List.of(
            "after",
            "accuracy, %",
            "params",
            "MACs",
            "file, bytes",
            "wire, bytes",
            "activations, peak bytes",
            "fp32 p50, µs",
            "int8 p50, µs"),
        stages.stream()
            .map(
                stage -> {
                  var size = stage.evaluation().size();
                  return List.of(
                      stage.name(),
                      Figures.percent(stage.evaluation().accuracy()),
                      Figures.whole(size.params()),
                      Figures.whole(size.macs()),
                      Figures.whole(size.fileBytes()),
                      Figures.whole(size.wireBytes()),
                      Figures.whole(size.activationPeakBytes()),
                      Figures.whole(stage.speed().fp32Micros()),
                      Figures.whole(stage.speed().int8Micros()));
                })
            .toList());
    figure(
        "Accuracy against compute",
        Plot.path(
            "Accuracy against compute",
            "multiply-accumulates for one image",
            "test images right, %",
            stages.stream()
                .map(
                    s ->
                        new Plot.Mark(
                            s.name(), s.evaluation().size().macs(), s.evaluation().accuracy()))
                .toList()));
    figure(
        "Bytes that a device downloads",
        Plot.bars(
            "Bytes that a device downloads",
            stages.stream()
                .map(
                    s ->
                        new Plot.Bar(
                            s.name(),
                            s.evaluation().size().wireBytes(),
                            Figures.whole(s.evaluation().size().wireBytes())))
                .toList()));
  }

  private void notes(Map<String, Object> notes) {
    notes.forEach(
        (key, note) -> {
          heading(2, title(key));
          SensitivityNote.of(note)
              .ifPresent(found -> figure(found.title(), Plot.bars(found.title(), found.bars())));
          if (note instanceof Map<?, ?> map && map.get("rows") instanceof List<?> rows) {
            rows(rows);
          } else if (note instanceof List<?> rows) {
            rows(rows);
          } else if (note instanceof Map<?, ?> map) {
            rows(List.of(map));
          } else {
            page.append("<p>").append(escaped(Figures.text(note))).append("</p>\n");
          }
        });
  }

  /** What the notes of a step are about; a kind that is not known keeps its own name. */
  private static String title(String key) {
    Matcher step = NOTE.matcher(key);
    if (!step.matches()) {
      return key;
    }
    String kind = step.group(2);
    return "Step %s: %s".formatted(step.group(1), NOTE_TITLES.getOrDefault(kind, kind));
  }

  private void rows(List<?> rows) {
    List<String> names = new ArrayList<>();
    for (Object row : rows) {
      if (row instanceof Map<?, ?> map) {
        map.keySet().stream()
            .map(String::valueOf)
            .filter(name -> !names.contains(name))
            .forEach(names::add);
      }
    }
    List<List<String>> cells = new ArrayList<>();
    for (Object row : rows) {
      if (row instanceof Map<?, ?> map) {
        cells.add(
            names.stream().map(n -> map.containsKey(n) ? Figures.text(map.get(n)) : "").toList());
      }
    }
    table(names, cells);
  }

  private void heading(int level, String text) {
    page.append("<h%d>%s</h%d>\n".formatted(level, escaped(text), level));
  }

  private void figure(String title, String svg) {
    page.append("<figure><figcaption>")
        .append(escaped(title))
        .append("</figcaption>")
        .append(svg)
        .append("</figure>\n");
  }

  private void table(List<String> head, List<List<String>> rows) {
    page.append("<table><thead><tr>");
    head.forEach(cell -> page.append("<th scope=\"col\">").append(escaped(cell)).append("</th>"));
    page.append("</tr></thead><tbody>");
    for (List<String> row : rows) {
      page.append("<tr>");
      row.forEach(cell -> page.append("<td>").append(escaped(cell)).append("</td>"));
      page.append("</tr>");
    }
    page.append("</tbody></table>\n");
  }

  /** Text that a browser shows as it is. */
  static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\'' -> escaped.append("&#39;");
        default -> escaped.append(c < ' ' && c != '\n' && c != '\t' ? ' ' : c);
      }
    }
    return escaped.toString();
  }
}
