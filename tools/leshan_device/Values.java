import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.eclipse.leshan.client.resource.BaseInstanceEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/** An object instance whose resources are values in a map; what the model calls writable can be written. */
class Values extends BaseInstanceEnabler {
  private final Map<Integer, Object> values = new TreeMap<>();

  Values with(int resource, Object value) {
    values.put(resource, value);
    return this;
  }

  synchronized Object get(int resource) {
    return values.get(resource);
  }

  /** Changes a value from inside the device: observers hear of it. */
  void put(int resource, Object value) {
    synchronized (this) {
      values.put(resource, value);
    }
    fireResourceChange(resource);
  }

  /** As put, from text; the model tells the type. */
  void putText(int resource, String text) {
    ResourceModel.Type type = getModel().resources.get(resource).type;
    put(resource, parse(type, text));
  }

  static Object parse(ResourceModel.Type type, String text) {
    switch (type) {
      case INTEGER:
        return Long.parseLong(text);
      case FLOAT:
        return Double.parseDouble(text);
      case BOOLEAN:
        return text.equals("1") || text.equals("true");
      case TIME:
        return new Date(Long.parseLong(text) * 1000);
      case OPAQUE:
        return Base64.getDecoder().decode(text);
      case OBJLNK:
        return ObjectLink.decodeFromString(text);
      default:
        return text;
    }
  }

  @Override
  @SuppressWarnings("unchecked")  // a map in `values` is one of resource instances
  public synchronized ReadResponse read(LwM2mServer server, int resource) {
    Object value = values.get(resource);
    if (value == null) {
      return super.read(server, resource);
    }
    if (value instanceof Map) {
      return ReadResponse.success(resource, (Map<Integer, ?>) value, getModel().resources.get(resource).type);
    }
    return ReadResponse.success(LwM2mSingleResource.newResource(resource, value, getModel().resources.get(resource).type));
  }

  @Override
  public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
    ResourceModel model = getModel().resources.get(resource);
    if (model == null) {
      return WriteResponse.notFound();
    }
    if (!model.operations.isWritable()) {
      return WriteResponse.methodNotAllowed();
    }
    System.out.println("write " + getModel().id + "/" + getId() + "/" + resource + " = " + value.getValue());
    return written(resource, value.getValue());
  }

  WriteResponse written(int resource, Object value) {
    put(resource, value);
    return WriteResponse.success();
  }

  @Override
  public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
    System.out.println("execute " + getModel().id + "/" + getId() + "/" + resource);
    return executed(resource);
  }

  ExecuteResponse executed(int resource) {
    return ExecuteResponse.success();
  }

  /** Only what there is a value for, and what can be executed. */
  @Override
  public synchronized List<Integer> getAvailableResourceIds(ObjectModel model) {
    List<Integer> ids = new java.util.ArrayList<>();
    for (ResourceModel resource : model.resources.values()) {
      if (values.containsKey(resource.id) || resource.operations.isExecutable()) {
        ids.add(resource.id);
      }
    }
    java.util.Collections.sort(ids);
    return ids;
  }
}
