"""What a request led to on the LwM2M side, for the demo and the tests."""

import json
import time

import grpc

from isthmus import contracts


class Underneath:
    """Reads the log of the synchronizer and asks the connector."""

    def __init__(self, stack):
        self.stack = stack

    def lines(self, rqi, seconds=0.3):
        """The LwM2M operations of a request, in words. The log line may come just after the answer."""
        end = time.monotonic() + seconds
        while True:
            entry = self.entry(rqi)
            if entry is not None or time.monotonic() > end:
                break
            time.sleep(0.01)
        return [step for step in (entry or {}).get("steps", "").split("; ") if step]

    def entry(self, rqi):
        """The synchronizer's log line of a request."""
        for line in reversed(self.stack.services["synchronizer"].output().split("\n")):
            if rqi in line:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if entry.get("rqi") == rqi:
                    return entry
        return None

    def device(self, endpoint):
        """The connector's view of a device, or None."""
        try:
            return contracts.call(f"127.0.0.1:{self.stack.grpc_ports['connector']}",
                                  "isthmus.connector.v1.ConnectorService/GetDevice", endpoint=endpoint)
        except grpc.RpcError:
            return None

    def observed(self, endpoint):
        """Paths that are observed on a device now, for example {"/3/0/9"}."""
        device = self.device(endpoint)
        return {path_text(path) for path in device.observed} if device else set()


def path_text(path):
    """"/3/0/9" of a lwm2m.v1.Path."""
    names = ("object_id", "object_instance_id", "resource_id", "resource_instance_id")
    return "".join(f"/{getattr(path, name)}" for name in names if path.HasField(name)) or "/"
