package io.stillhouse.agent;

import io.stillhouse.agent.inference.OnnxRuntime;
import io.stillhouse.agent.link.Stamps;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.UUID;
import picocli.CommandLine;

/** Entry point of {@code stillhouse-agent}: where time, chance and the terminal come from. */
public final class AgentMain {
  private AgentMain() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    Stamps stamps =
        new Stamps(
            UUID.randomUUID().toString(),
            Agent.VERSION,
            InstantSource.system(),
            System::nanoTime,
            System.nanoTime());
    CommandLine commands =
        AgentCommands.of(
            new AgentCommands.Surroundings(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                stamps,
                new SecureRandom(),
                OnnxRuntime::prepare));
    System.exit(commands.execute(arguments));
  }
}
