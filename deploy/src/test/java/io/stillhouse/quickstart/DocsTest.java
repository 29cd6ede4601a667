package io.stillhouse.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.config.ConfigReader;
import io.stillhouse.server.config.CoordinatorConfig;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocsTest {
  private static final Path ROOT = SourceTree.ROOT;
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]+)(#[^)]*)?\\)");

  private static final Pattern KEY_ROW =
      Pattern.compile("(?m)^\\| `([A-Za-z.]+)` \\| (none|`[^`]*`) \\| \\S.* \\|$");
  private static final Pattern YAML_BLOCK = Pattern.compile("(?ms)^```yaml\\n(.*?)^```$");

  private static final Pattern NAME = Pattern.compile("`([a-z.]+)`");

  @TempDir Path folder = Path.of("");

  @Test
  void every_relative_link_in_the_documentation_leads_somewhere() throws IOException {
    List<String> broken = new ArrayList<>();
    int links = 0;
    for (Path page : pages()) {
      Matcher link = LINK.matcher(Files.readString(page));
      while (link.find()) {
        String target = link.group(1);
        if (target.startsWith("http")) {
          continue;
        }
        links++;
        if (!Files.exists(page.resolveSibling(target).normalize())) {
          broken.add(ROOT.relativize(page) + " -> " + target);
        }
      }
    }
    assertThat(links).isGreaterThan(10);
    assertThat(broken).isEmpty();
  }

  @Test
  void the_architecture_names_exactly_the_packages_that_there_are() throws IOException {
    String page = Files.readString(ROOT.resolve("docs").resolve("architecture.md"));
    String packages =
        page.substring(page.indexOf("\n### Packages"), page.indexOf("\n## Invariants\n"));
    List<String> documented = new ArrayList<>();
    packages
        .lines()
        .filter(row -> row.startsWith("| `") && !row.contains("(tests)"))
        .forEach(
            row -> {
              Matcher name = NAME.matcher(row.substring(0, row.indexOf('|', 1)));
              while (name.find()) {
                documented.add(name.group(1));
              }
            });
    assertThat(documented)
        .containsExactlyInAnyOrderElementsOf(
            SourceTree.packages().stream().map(SourceTree::name).toList());
  }

  @Test
  void the_operator_guide_lists_every_key_with_its_default() throws Exception {
    Map<String, String> documented = new LinkedHashMap<>();
    Matcher row = KEY_ROW.matcher(configuration());
    while (row.find()) {
      assertThat(documented.put(row.group(1), row.group(2).replace("`", "")))
          .as(row.group(1))
          .isNull();
    }
    Map<String, String> known = new LinkedHashMap<>();
    collect("", CoordinatorConfig.DEFAULT, known);
    assertThat(List.copyOf(documented.entrySet())).isEqualTo(List.copyOf(known.entrySet()));
  }

  @Test
  void the_configuration_of_the_operator_guide_is_one() throws Exception {
    Matcher block = YAML_BLOCK.matcher(configuration());
    assertThat(block.find()).isTrue();
    CoordinatorConfig config =
        ConfigReader.read(Files.writeString(folder.resolve("guide.yaml"), block.group(1)));
    assertThat(config.kafka().advertisedHost()).isNotEmpty();
    assertThat(config.grpc().names()).contains(config.kafka().advertisedHost());
  }

  private static String configuration() throws IOException {
    String guide = Files.readString(ROOT.resolve("docs").resolve("operator-guide.md"));
    int from = guide.indexOf("\n## Configuration\n");
    return guide.substring(from, guide.indexOf("\n## ", from + 1));
  }

  private static void collect(String prefix, Record group, Map<String, String> onto)
      throws ReflectiveOperationException {
    for (RecordComponent part : group.getClass().getRecordComponents()) {
      Object value = part.getAccessor().invoke(group);
      if (value instanceof Record inner) {
        collect(prefix + part.getName() + ".", inner, onto);
      } else {
        onto.put(prefix + part.getName(), value.equals("") ? "none" : value.toString());
      }
    }
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>();
    pages.add(ROOT.resolve("README.md"));
    try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
      docs.filter(path -> path.toString().endsWith(".md")).forEach(pages::add);
    }
    return pages;
  }
}
