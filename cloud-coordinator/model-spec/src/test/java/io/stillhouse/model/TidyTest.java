package io.stillhouse.model;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "io.stillhouse.model", importOptions = DoNotIncludeTests.class)
class TidyTest {
  @ArchTest
  static final ArchRule packages_form_no_cycles =
      slices()
          .matching("io.stillhouse.model.(**)")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true);
}
