package io.stillhouse.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Instant;
import java.time.InstantSource;

@AnalyzeClasses(packages = "io.stillhouse.server", importOptions = DoNotIncludeTests.class)
class TidyTest {
  @ArchTest
  static final ArchRule packages_form_no_cycles =
      slices()
          .matching("io.stillhouse.server.(**)")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule the_coordinator_never_loads_native_tensors =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco..", "io.stillhouse.lab.tensor..", "ai.onnxruntime..");

  @ArchTest
  static final ArchRule wire_types_stay_where_the_wire_is =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.stillhouse.server.device..",
              "io.stillhouse.server.telemetry..",
              "io.stillhouse.server.artifact..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.stillhouse.proto..");

  @ArchTest
  static final ArchRule telemetry_maps_wire_types_in_one_place =
      noClasses()
          .that()
          .resideInAPackage("io.stillhouse.server.telemetry..")
          .and()
          .haveSimpleNameNotStartingWith("TelemetryMapper")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.stillhouse.proto..");

  @ArchTest
  static final ArchRule only_the_broker_knows_the_insides_of_kafka =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.stillhouse.server.broker..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "kafka..", "org.apache.kafka.server..", "org.apache.kafka.metadata..");

  @ArchTest
  static final ArchRule time_and_chance_come_from_main =
      noClasses()
          .that()
          .haveSimpleNameNotEndingWith("Main")
          .should()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(InstantSource.class, "system")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(Math.class, "random");

  @ArchTest
  static final ArchRule names_say_what_a_class_is =
      noClasses().should().haveNameMatching("(?i).*(util|helper|common).*|.*(Impl|Manager)");
}
