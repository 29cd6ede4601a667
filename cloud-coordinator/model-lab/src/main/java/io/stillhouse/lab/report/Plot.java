package io.stillhouse.lab.report;

import java.util.List;
import java.util.Locale;

/** Small plots as SVG that needs nothing from elsewhere and follows the page's colours. */
final class Plot {
  private static final int WIDTH = 640;
  private static final int LABEL_WIDTH = 240;
  private static final int BAR_WIDTH = 280;
  private static final int LINE = 20;
  private static final int HEIGHT = 300;
  private static final int MARGIN = 60;

  private Plot() {}

  /**
   * One bar of a plot.
   *
   * @param value at least 0; longer bars are larger values
   * @param shown the value as people read it
   */
  record Bar(String label, double value, String shown) {}

  /** A mark of a scatter plot. */
  record Mark(String label, double x, double y) {}

  /** Bars one under the other. */
  static String bars(String title, List<Bar> bars) {
    double longest = bars.stream().mapToDouble(Bar::value).max().orElse(0);
    StringBuilder svg = open(title, LINE * bars.size() + 8);
    int y = 4;
    for (Bar bar : bars) {
      long width = longest <= 0 ? 0 : Math.round(BAR_WIDTH * Math.max(0, bar.value()) / longest);
      text(svg, 0, y + 14, "start", bar.label());
      svg.append(
          "<rect class=\"bar\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\"/>"
              .formatted(LABEL_WIDTH, y + 2, width));
      text(svg, LABEL_WIDTH + (int) width + 6, y + 14, "start", bar.shown());
      y += LINE;
    }
    return svg.append("</svg>").toString();
  }

  /** Marks joined in their order, with the ends of both axes named. */
  static String path(String title, String xName, String yName, List<Mark> marks) {
    double right = marks.stream().mapToDouble(Mark::x).max().orElse(1);
    double low = marks.stream().mapToDouble(Mark::y).min().orElse(0);
    double high = marks.stream().mapToDouble(Mark::y).max().orElse(1);
    double room = Math.max(1e-9, (high - low) * 0.15);
    StringBuilder svg = open(title, HEIGHT);
    int bottom = HEIGHT - 40;
    svg.append(
        "<path class=\"axis\" d=\"M%d 10V%dH%d\"/>".formatted(MARGIN, bottom, WIDTH - MARGIN));
    StringBuilder line = new StringBuilder();
    for (Mark mark : marks) {
      double x = MARGIN + (WIDTH - 2.0 * MARGIN) * (right <= 0 ? 0 : mark.x() / right);
      double y =
          bottom - (bottom - 20) * (mark.y() - low + room) / Math.max(1e-9, high - low + 2 * room);
      line.append(String.format(Locale.ROOT, "%s%.1f %.1f", line.isEmpty() ? "M" : "L", x, y));
      svg.append(
          String.format(
              Locale.ROOT, "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y));
      text(svg, (int) x, (int) y - 9, x > WIDTH / 2.0 ? "end" : "start", mark.label());
    }
    svg.append("<path class=\"line\" d=\"%s\"/>".formatted(line));
    text(svg, MARGIN, bottom + 18, "start", "0");
    text(svg, WIDTH - MARGIN, bottom + 18, "end", Figures.whole(Math.round(right)));
    text(svg, WIDTH / 2, bottom + 34, "middle", xName);
    text(svg, MARGIN - 6, bottom, "end", Figures.percent(low));
    text(svg, MARGIN - 6, 22, "end", Figures.percent(high));
    text(svg, MARGIN + 6, 16, "start", yName);
    return svg.append("</svg>").toString();
  }

  private static StringBuilder open(String title, int height) {
    return new StringBuilder()
        .append(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">"
                .formatted(WIDTH, height, ReportPage.escaped(title)));
  }

  private static void text(StringBuilder svg, int x, int y, String anchor, String text) {
    svg.append(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>"
            .formatted(x, y, anchor, ReportPage.escaped(text)));
  }
}
