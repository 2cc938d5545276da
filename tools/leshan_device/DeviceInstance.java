import java.util.Date;
import java.util.Map;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/** Object 3: a clock that can be set, a battery, a reboot that really leaves the network for a moment. */
class DeviceInstance extends Values {
  private volatile long clockOffsetMs = 0;
  private final Runnable reboot;

  DeviceInstance(String serialNumber, Runnable reboot) {
    this.reboot = reboot;
    with(0, "Leshan Works").with(1, "Model 18").with(2, serialNumber).with(3, "1.0.0");
    with(6, Map.of(0, 1L)).with(9, 77L).with(10, 128L).with(11, Map.of(0, 0L)).with(13, new Date());
    with(14, "+00:00").with(15, "UTC").with(16, "U").with(17, "demo sensor").with(18, "rev B").with(19, "2.1");
    with(20, 0L).with(21, 512L);
  }

  @Override
  public ReadResponse read(LwM2mServer server, int resource) {
    if (resource == 13) {
      return ReadResponse.success(13, new Date(System.currentTimeMillis() + clockOffsetMs));
    }
    return super.read(server, resource);
  }

  @Override
  WriteResponse written(int resource, Object value) {
    if (resource == 13) {
      clockOffsetMs = ((Date) value).getTime() - System.currentTimeMillis();
    }
    return super.written(resource, value);
  }

  @Override
  ExecuteResponse executed(int resource) {
    if (resource == 4) {
      reboot.run();
    }
    return ExecuteResponse.success();
  }
}
