package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.tailor.ClassTarget;
import io.stillhouse.lab.tailor.TailorPlan;
import java.nio.file.Path;
import java.util.List;

/**
 * Make a student for every hardware class.
 *
 * @param out folder of students; what an earlier run of the same teacher, data and plan left in it
 *     is kept and used
 */
public record TailorRequest(
    Path teacherDir, DataSpec data, List<ClassTarget> targets, TailorPlan plan, Path out) {
  public TailorRequest {
    targets = List.copyOf(targets);
  }
}
