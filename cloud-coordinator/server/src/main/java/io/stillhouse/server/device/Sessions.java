package io.stillhouse.server.device;

import io.grpc.Status;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.storage.DeviceStates.Wish;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The devices that hold a stream with this coordinator; the newest session of a device wins. */
public final class Sessions {
  /** Streams that one coordinator holds. */
  public static final int SESSIONS_MAX = 20_000;

  private final ConcurrentMap<DeviceId, Session> live = new ConcurrentHashMap<>();

  /** Enters a session and ends the device's older one. */
  void enter(Session session) {
    if (live.size() >= SESSIONS_MAX && !live.containsKey(session.device())) {
      throw new CoordinatorException(
          ErrorCategory.EXHAUSTED,
          "cannot open a session",
          "this coordinator holds " + SESSIONS_MAX + " already",
          "try again later");
    }
    Session older = live.put(session.device(), session);
    if (older != null) {
      older.end(Status.ABORTED.withDescription("a newer session of this device took over"));
    }
  }

  /** Forgets a session, unless a newer one has its place. */
  void leave(Session session) {
    live.remove(session.device(), session);
  }

  /** Ends a device's session, if it has one here. */
  void end(DeviceId device, Status status) {
    Session session = live.remove(device);
    if (session != null) {
      session.end(status);
    }
  }

  /** Tells a device what is wanted of it now, if it is connected here. */
  public void tell(Wish wish) {
    Session session = live.get(wish.state().device());
    if (session != null) {
      session.tell(wish);
    }
  }

  /** The devices connected here at this moment. */
  public Set<DeviceId> connected() {
    return Set.copyOf(live.keySet());
  }

  /** How many devices are connected here. */
  public int count() {
    return live.size();
  }
}
