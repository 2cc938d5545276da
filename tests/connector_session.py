"""The IN-CSE's end of a session with the connector, by hand: one operation, one result.

    with ConnectorSession(f"127.0.0.1:{port}") as session:
        result = session.read_composite("fleet-00000", ["/3/0/9", "/1/0/1"])
"""

import itertools
import queue
import threading
import time

import grpc

from isthmus import contracts

lwm2m, session_pb2 = contracts.lwm2m, contracts.session
LEVELS = ("object_id", "object_instance_id", "resource_id", "resource_instance_id")


def make_path(text):
    """A lwm2m.v1.Path of "/3/0/9"."""
    return lwm2m.Path(**dict(zip(LEVELS, map(int, text.strip("/").split("/")))))


def path_text(path):
    """"/3/0/9" of a lwm2m.v1.Path."""
    return "".join(f"/{getattr(path, name)}" for name in LEVELS if path.HasField(name)) or "/"


def value_of(node):
    """What a node holds; raw values as octets."""
    kind = node.value.WhichOneof("kind")
    return node.value.raw.octets if kind == "raw" else getattr(node.value, kind)


class ConnectorSession:
    """One session; closed at the end of the with block."""

    def __init__(self, address, peer="/id-test"):
        self._frames, self._ids, self._answers = queue.Queue(), itertools.count(1), {}
        self._changed = threading.Condition()
        self.greeted, self.endpoints = False, set()
        self._channel = grpc.insecure_channel(address)
        hello = session_pb2.Hello(protocol_version=1, role=session_pb2.ROLE_IN_CSE, peer=peer, purpose="test")
        self._frames.put(session_pb2.Frame(hello=hello))
        method = "/isthmus.session.v1.SessionService/Open"
        self._stream = self._channel.stream_stream(
            method, request_serializer=session_pb2.Frame.SerializeToString,
            response_deserializer=session_pb2.Frame.FromString)(iter(self._frames.get, None))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait(lambda: self.greeted, 10, "the welcome")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._frames.put(None)
        self._stream.cancel()
        self._reader.join(5)
        self._channel.close()

    def _read(self):
        try:
            for frame in self._stream:
                with self._changed:
                    kind = frame.WhichOneof("kind")
                    if kind == "welcome":
                        self.greeted = True
                    elif kind == "response":
                        self._answers[frame.response.request_id] = frame.response.result
                    elif kind == "snapshot":
                        self.endpoints.update(r.endpoint for r in frame.snapshot.registrations)
                    elif kind == "event" and frame.event.HasField("registered"):
                        self.endpoints.add(frame.event.endpoint)
                    self._changed.notify_all()
        except grpc.RpcError:
            pass

    def _wait(self, condition, seconds, what):
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"{what}: not within {seconds} s"

    def wait_registered(self, endpoint, seconds=30):
        """Until the connector has said that the device is there."""
        self._wait(lambda: endpoint in self.endpoints, seconds, f"the registration of {endpoint}")

    def perform(self, endpoint, operation, seconds=10):
        """The result of one operation."""
        request = session_pb2.Request(request_id=next(self._ids), endpoint=endpoint, operation=operation)
        request.deadline.FromNanoseconds(int((time.time() + seconds) * 1e9))
        self._frames.put(session_pb2.Frame(request=request))
        self._wait(lambda: request.request_id in self._answers, seconds + 5, "the result")
        return self._answers.pop(request.request_id)

    def read(self, endpoint, path, **options):
        """Read."""
        return self.perform(endpoint, lwm2m.Operation(read=lwm2m.Read(path=make_path(path))), **options)

    def read_composite(self, endpoint, paths, **options):
        """Read-Composite."""
        asked = lwm2m.ReadComposite(paths=[make_path(path) for path in paths])
        return self.perform(endpoint, lwm2m.Operation(read_composite=asked), **options)

    def write_composite(self, endpoint, values, **options):
        """Write-Composite of {path: text or integer}."""
        nodes = []
        for path, value in values.items():
            kind = {"text": value} if isinstance(value, str) else {"integer": value}
            nodes.append(lwm2m.Node(path=make_path(path), value=lwm2m.Value(**kind)))
        return self.perform(endpoint, lwm2m.Operation(write_composite=lwm2m.WriteComposite(nodes=nodes)), **options)
