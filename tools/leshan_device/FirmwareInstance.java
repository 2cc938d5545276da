import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/**
 * Object 5 with its state machine: State 0 Idle, 1 Downloading, 2 Downloaded, 3 Updating. A package comes as a URI (the
 * "download" takes a moment; a URI that contains "bad" ends in Result 5) or is pushed block-wise.
 */
class FirmwareInstance extends Values {
  private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor(task -> {
    Thread thread = new Thread(task, "firmware");
    thread.setDaemon(true);
    return thread;
  });
  private final Runnable reboot;
  private final long delayMs;

  FirmwareInstance(long delayMs, Runnable reboot) {
    this.delayMs = delayMs;
    this.reboot = reboot;
    with(1, "").with(3, 0L).with(5, 0L).with(6, "isthmus-demo").with(7, "1.0.0").with(9, 2L);
  }

  @Override
  WriteResponse written(int resource, Object value) {
    if (resource == 0) {
      byte[] firmware = (byte[]) value;
      if (firmware.length <= 1) {
        become(0, 0);
      } else {
        System.out.println("firmware of " + firmware.length + " bytes");
        become(2, 0);
      }
      return WriteResponse.success();
    }
    if (resource == 1) {
      String uri = (String) value;
      put(1, uri);
      if (uri.isEmpty()) {
        become(0, 0);
      } else if (!uri.matches("(coap|coaps|http|https)://.+")) {
        become(0, 7);
        return WriteResponse.badRequest("not a URI that can be downloaded from");
      } else {
        become(1, 0);
        later.schedule(() -> become(uri.contains("bad") ? 0 : 2, uri.contains("bad") ? 5 : 0), delayMs,
            TimeUnit.MILLISECONDS);
      }
      return WriteResponse.success();
    }
    return super.written(resource, value);
  }

  @Override
  ExecuteResponse executed(int resource) {
    if (resource == 2) {
      if (!get(3).equals(2L)) {
        return ExecuteResponse.methodNotAllowed();
      }
      put(3, 3L);
      later.schedule(() -> {
        reboot.run();
        become(0, 1);
        put(7, "1.1.0");
      }, delayMs, TimeUnit.MILLISECONDS);
    }
    return ExecuteResponse.success();
  }

  private void become(long state, long result) {
    put(5, result);
    put(3, state);
    System.out.println("firmware state " + state + " result " + result);
  }
}
