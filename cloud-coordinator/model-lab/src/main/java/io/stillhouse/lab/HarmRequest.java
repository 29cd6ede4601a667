package io.stillhouse.lab;

import io.stillhouse.lab.data.DataSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * Make harmed twins of students, to rehearse a bad release.
 *
 * @param students folders of finished students
 * @param out gets one folder for each, named as the student's
 */
public record HarmRequest(List<Path> students, DataSpec data, Path out) {
  public HarmRequest {
    students = List.copyOf(students);
  }
}
