package io.stillhouse.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Instant;
import java.util.random.RandomGenerator;

@AnalyzeClasses(packages = "io.stillhouse.agent", importOptions = DoNotIncludeTests.class)
class TidyTest {
  @ArchTest
  static final ArchRule packages_form_no_cycles =
      slices()
          .matching("io.stillhouse.agent.(**)")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule only_inference_knows_the_runtime =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.stillhouse.agent.inference..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.onnxruntime..");

  @ArchTest
  static final ArchRule only_telemetry_knows_kafka =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.stillhouse.agent.telemetry..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.apache.kafka..");

  @ArchTest
  static final ArchRule what_runs_and_measures_knows_no_wire =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.stillhouse.agent.inference..",
              "io.stillhouse.agent.hardware..",
              "io.stillhouse.agent.serving..",
              "io.stillhouse.agent.reconcile..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.stillhouse.proto..", "com.google.protobuf..", "io.grpc..");

  @ArchTest
  static final ArchRule the_agent_knows_no_coordinator =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.stillhouse.model..",
              "io.stillhouse.lab..",
              "io.stillhouse.fleet..",
              "io.stillhouse.server..");

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
          .callMethod(Math.class, "random")
          .orShould()
          .callMethod(RandomGenerator.class, "getDefault");

  @ArchTest
  static final ArchRule names_say_what_a_class_is =
      noClasses().should().haveNameMatching("(?i).*(util|helper|common).*|.*(Impl|Manager)");
}
