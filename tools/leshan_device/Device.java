import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.BaseInstanceEnablerFactory;
import org.eclipse.leshan.client.resource.LwM2mInstanceEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Operations;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;

/**
 * A LwM2M device on Eclipse Leshan's client libraries, for the demo and the interop tests.
 *
 * <p>Commands on standard input, one a line: set PATH VALUE, update, stop, start, reboot, quit.
 */
public class Device {
  private static final String USAGE =
      "usage: device coap://HOST:PORT ENDPOINT [--lifetime SECONDS] [--period SECONDS] [--change SECONDS]\n"
          + "              [--firmware-delay MS] [--address ADDRESS] [--queue]\n"
          + "  --lifetime       of the registration (300)\n"
          + "  --period         between Updates (a share of the lifetime)\n"
          + "  --change         how often the temperature moves and the battery falls; 0 = never (2)\n"
          + "  --firmware-delay how long a download and an installation take (1000)\n"
          + "  --address        local address (127.0.0.1)\n"
          + "  --queue          queue mode";

  private final Map<String, Values> instances = new TreeMap<>();
  private LeshanClient client;
  private final ScheduledExecutorService later = Executors.newScheduledThreadPool(1, task -> {
    Thread thread = new Thread(task, "device");
    thread.setDaemon(true);
    return thread;
  });

  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 2 || arguments[0].equals("--help")) {
      System.out.println(USAGE);
      System.exit(arguments.length == 1 && arguments[0].equals("--help") ? 0 : 2);
    }
    Map<String, String> options = new TreeMap<>(Map.of("lifetime", "300", "change", "2", "firmware-delay", "1000",
        "address", "127.0.0.1"));
    for (int i = 2; i < arguments.length; ++i) {
      String name = arguments[i].replaceFirst("^--", "");
      if (name.equals("queue")) {
        options.put(name, "true");
      } else if (List.of("lifetime", "period", "change", "firmware-delay", "address").contains(name)
          && i + 1 < arguments.length) {
        options.put(name, arguments[++i]);
      } else {
        System.err.println("device: unknown option " + arguments[i] + "\n" + USAGE);
        System.exit(2);
      }
    }
    new Device().run(arguments[0], arguments[1], options);
  }

  private void run(String uri, String endpoint, Map<String, String> options) throws Exception {
    List<ObjectModel> models = ObjectLoader.loadDefault();
    models.add(temperatureModel());
    ObjectsInitializer objects = new ObjectsInitializer(new StaticModel(models));
    long lifetime = Long.parseLong(options.get("lifetime"));
    objects.setInstancesForObject(0, Security.noSec(uri, 1));
    objects.setInstancesForObject(1, new Server(1, lifetime, EnumSet.of(BindingMode.U), false, BindingMode.U));
    add(objects, 3, new DeviceInstance(endpoint, this::rebootSoon));
    add(objects, 5, new FirmwareInstance(Long.parseLong(options.get("firmware-delay")), this::rebootSoon));
    add(objects, 6, new Values().with(0, 50.087).with(1, 14.421).with(2, 235.0).with(5, new java.util.Date()));
    add(objects, 3303, new Values().with(5700, 20.0).with(5701, "Cel").with(5601, 20.0).with(5602, 20.0));

    CaliforniumClientEndpointsProvider.Builder endpoints =
        new CaliforniumClientEndpointsProvider.Builder(new CoapClientProtocolProvider());
    Configuration configuration = endpoints.createDefaultConfiguration();
    configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, 8 * 1024 * 1024);
    configuration.set(CoapConfig.DEDUPLICATOR, CoapConfig.DEDUPLICATOR_PEERS_MARK_AND_SWEEP);
    endpoints.setConfiguration(configuration);
    endpoints.setClientAddress(InetAddress.getByName(options.get("address")));

    DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory();
    engine.setRetryWaitingTimeInMs(1000);  // the default is ten minutes
    engine.setRequestTimeoutInMs(5000);
    engine.setDeregistrationTimeoutInMs(2000);
    engine.setQueueMode(options.containsKey("queue"));
    if (options.containsKey("period")) {
      engine.setCommunicationPeriod(Integer.parseInt(options.get("period")) * 1000);
    }
    LeshanClientBuilder builder = new LeshanClientBuilder(endpoint);
    builder.setObjects(objects.createAll());
    builder.setEndpointsProviders(endpoints.build());
    builder.setRegistrationEngineFactory(engine);
    client = builder.build();
    client.addObserver(new LwM2mClientObserverAdapter() {
      @Override
      public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String registration) {
        System.out.println("registered " + endpoint + " as " + registration);
      }

      @Override
      public void onRegistrationFailure(LwM2mServer server, RegisterRequest request, ResponseCode code, String message,
          Exception cause) {
        System.out.println("registration refused: " + code + " " + message);
      }

      @Override
      public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
        System.out.println("updated " + endpoint);
      }
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> client.destroy(true)));
    client.start();

    double period = Double.parseDouble(options.get("change"));
    if (period > 0) {
      later.scheduleAtFixedRate(this::change, (long) (period * 1000), (long) (period * 1000), TimeUnit.MILLISECONDS);
    }
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      try {
        if (!obey(line.trim())) {
          System.exit(0);
        }
      } catch (RuntimeException e) {
        System.out.println("cannot do '" + line + "': " + e.getMessage());
      }
    }
    Thread.currentThread().join();  // standard input has ended; the device goes on until it is stopped
  }

  private boolean obey(String line) {
    String[] words = line.split("\\s+", 3);
    switch (words[0]) {
      case "":
        return true;
      case "set":
        String[] path = words[1].replaceFirst("^/", "").split("/");
        instances.get(path[0] + "/" + path[1]).putText(Integer.parseInt(path[2]), words.length > 2 ? words[2] : "");
        System.out.println("set " + words[1]);
        return true;
      case "update":
        client.triggerRegistrationUpdate();
        return true;
      case "stop":
        client.stop(true);
        System.out.println("stopped");
        return true;
      case "start":
        client.start();
        return true;
      case "reboot":
        rebootSoon();
        return true;
      case "quit":
        return false;
      default:
        System.out.println("commands: set PATH VALUE | update | stop | start | reboot | quit");
        return true;
    }
  }

  private void add(ObjectsInitializer objects, int object, Values instance) {
    instances.put(object + "/0", instance);
    objects.setInstancesForObject(object, (LwM2mInstanceEnabler) instance);
    // Gives an instance that the server makes the id that it wants, or a free one.
    objects.setFactoryForObject(object, new BaseInstanceEnablerFactory() {
      @Override
      public LwM2mInstanceEnabler create() {
        return new Values();
      }
    });
  }

  /** The temperature goes up and down; the battery falls by one and starts again at 100. */
  private void change() {
    Values temperature = instances.get("3303/0");
    double value = Math.round((20 + 5 * Math.sin(System.currentTimeMillis() / 20000.0)) * 100) / 100.0;
    temperature.put(5700, value);
    Values device = instances.get("3/0");
    long level = (Long) device.get(9) - 1;
    device.put(9, level < 0 ? 100 : level);
  }

  private void rebootSoon() {
    later.schedule(() -> {
      System.out.println("rebooting");
      client.stop(true);
      client.start();
    }, 300, TimeUnit.MILLISECONDS);
  }

  /** IPSO temperature: the core library brings the models of objects 0 to 7 only. */
  private static ObjectModel temperatureModel() {
    return new ObjectModel(3303, "Temperature", "IPSO temperature sensor", "1.1", true, false,
        resource(5700, "Sensor Value", Operations.R, true, Type.FLOAT),
        resource(5601, "Min Measured Value", Operations.R, false, Type.FLOAT),
        resource(5602, "Max Measured Value", Operations.R, false, Type.FLOAT),
        resource(5701, "Sensor Units", Operations.R, false, Type.STRING),
        resource(5750, "Application Type", Operations.RW, false, Type.STRING),
        resource(5605, "Reset Min and Max Measured Values", Operations.E, false, Type.NONE));
  }

  private static ResourceModel resource(int id, String name, Operations operations, boolean mandatory, Type type) {
    return new ResourceModel(id, name, operations, false, mandatory, type, "", "", "");
  }
}
