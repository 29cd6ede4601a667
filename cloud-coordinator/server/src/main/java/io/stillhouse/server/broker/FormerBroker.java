package io.stillhouse.server.broker;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Declares the broker dead that a kill left registered as alive.
 *
 * <p>A single node that starts again reads in its own metadata that it leads every partition, and
 * believes it until its new registration arrives a second later. What its transaction coordinator
 * does in that second is lost half-way: with the leaders gone for a moment, the markers that end an
 * open transaction are skipped as if the topics had been deleted, and who reads committed records
 * waits for that transaction for ever. With the former registration fenced first, the node leads
 * nothing until it serves, and the transaction ends as it should.
 */
final class FormerBroker {
  private static final Logger LOG = LoggerFactory.getLogger(FormerBroker.class);
  private static final long POLL_MILLIS = 20;
  private static final int POLLS_MAX = 400;

  private FormerBroker() {}

  /**
   * Runs the controller alone until it has missed the broker and written that down.
   *
   * @param controllerSettings of the node in the controller's role only
   */
  static void fence(Map<String, Object> controllerSettings) {
    Map<String, Object> settings = new HashMap<>(controllerSettings);
    settings.put("broker.heartbeat.interval.ms", "100");
    settings.put("broker.session.timeout.ms", "300");
    KafkaRaftServer controller = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
    try {
      controller.startup();
      // Not "no broker is active": that is true, too, before the former one has been read.
      for (int i = 0; count("FencedBrokerCount") < 1; i++) {
        if (i == POLLS_MAX) {
          LOG.warn(
              "no former registration was found; a broker that was killed in its first second had"
                  + " none");
          return;
        }
        TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      controller.shutdown();
      controller.awaitShutdown();
    }
  }

  /** One of the controller's documented gauges; -1 before it is there. */
  private static long count(String gauge) {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    try {
      ObjectName name = new ObjectName("kafka.controller:type=KafkaController,name=" + gauge);
      return beans.isRegistered(name)
          ? ((Number) beans.getAttribute(name, "Value")).longValue()
          : -1;
    } catch (JMException e) {
      return -1;
    }
  }
}
