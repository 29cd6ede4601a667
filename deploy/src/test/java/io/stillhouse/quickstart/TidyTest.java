package io.stillhouse.quickstart;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Rules of this module, and one that looks at the sources of all of them. */
@AnalyzeClasses(
    packages = {"io.stillhouse.drive", "io.stillhouse.quickstart"},
    importOptions = DoNotIncludeTests.class)
class TidyTest {
  @ArchTest
  static final ArchRule packages_form_no_cycles =
      slices().matching("io.stillhouse.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule programs_are_driven_from_outside =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.stillhouse.server..", "io.stillhouse.fleet..", "io.stillhouse.agent..");

  @ArchTest
  static final ArchRule time_and_chance_come_from_main =
      noClasses()
          .that()
          .haveSimpleNameNotEndingWith("Main")
          .should()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(Math.class, "random");

  @ArchTest
  static final ArchRule names_say_what_a_class_is =
      noClasses().should().haveNameMatching("(?i).*(util|helper|common).*|.*(Impl|Manager)");

  private static final Pattern MARK =
      Pattern.compile("(?m)^@(org\\.jspecify\\.annotations\\.)?NullMarked$");

  /** Without the mark, NullAway looks at nothing in the package. */
  @Test
  void every_package_of_every_module_is_marked_and_described() throws IOException {
    List<String> unmarked = new ArrayList<>();
    for (Path folder : SourceTree.packages()) {
      Path described = folder.resolve("package-info.java");
      String text = Files.exists(described) ? Files.readString(described) : "";
      if (!text.startsWith("/**") || !MARK.matcher(text).find()) {
        unmarked.add(folder.toString());
      }
    }
    assertThat(unmarked).isEmpty();
  }
}
