package io.stillhouse.server.cli;

import io.stillhouse.server.service.ModelService.RejectionView;
import io.stillhouse.server.service.ModelService.TailoringView;
import java.io.PrintWriter;
import java.util.List;

/** What tailoring decided, as people read it. */
final class TailoringText {
  /** Rejections that are printed of one class; a script gets all that are kept. */
  private static final int REJECTED_MAX = 8;

  private TailoringText() {}

  /** What was rejected for each class, what it promised there and why; nothing if nothing was. */
  static void print(PrintWriter out, List<TailoringView> decisions) {
    Table table = new Table("CLASS", "REJECTED", "P99 us", "BYTES", "MEMORY", "BECAUSE");
    boolean any = false;
    for (TailoringView decided : decisions) {
      for (RejectionView r : first(decided.rejected())) {
        any = true;
        table.row(
            decided.hardwareClass(),
            r.student(),
            r.latencyP99Micros(),
            r.fileBytes(),
            r.memoryBytes(),
            r.reason());
      }
    }
    if (any) {
      out.println();
      table.print(out);
    }
    for (TailoringView decided : decisions) {
      int more = decided.rejected().size() - first(decided.rejected()).size() + decided.leftOut();
      if (more > 0) {
        out.println(
            "%s: %d more rejected; --json has up to %d of them"
                .formatted(decided.hardwareClass(), more, more - decided.leftOut()));
      }
      if (decided.student().isEmpty()) {
        out.println(decided.hardwareClass() + ": no candidate fits");
      }
    }
  }

  private static List<RejectionView> first(List<RejectionView> rejected) {
    return rejected.subList(0, Math.min(REJECTED_MAX, rejected.size()));
  }
}
