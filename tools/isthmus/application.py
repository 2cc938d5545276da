"""A oneM2M application (AE) on MQTT, TS-0010, for the demo and the tests.

    with Application("CAdmin", "127.0.0.1", 1883) as admin:
        answer = admin.retrieve("cse-in")
        assert answer.rsc == 2000
"""

import itertools
import json
import queue
import threading
import time
import uuid

import paho.mqtt.client as mqtt

from isthmus.serialization import SERIALIZATIONS

CREATE, RETRIEVE, UPDATE, DELETE, NOTIFY = 1, 2, 3, 4, 5


class NoAnswer(Exception):
    """No response primitive came in time."""


class Answer:
    """A response primitive."""

    def __init__(self, primitive, seconds):
        self.primitive, self.seconds = primitive, seconds
        self.rsc = primitive.get("rsc")
        self.pc = primitive.get("pc")

    @property
    def content(self):
        """What is inside the one member of `pc`."""
        return next(iter(self.pc.values())) if self.pc else None

    @property
    def debug(self):
        """m2m:dbg, or ""."""
        return (self.pc or {}).get("m2m:dbg", "")

    def __repr__(self):
        return f"Answer({json.dumps(self.primitive)})"


class Application:
    """One originator with its own MQTT connection, in one serialisation. Thread-safe."""

    def __init__(self, originator, host, port, cse="id-in", client_id=None, clean=True, answer_notifications=True,
                 serialization="json"):
        self.originator, self.cse, self.serialization = originator, cse, serialization
        self._dumps, self._loads = SERIALIZATIONS[serialization]
        self.notifications = queue.Queue()
        self._answer_notifications = answer_notifications
        self._numbers = itertools.count(1)
        self._prefix = uuid.uuid4().hex[:8]
        self._waiting = {}
        self._lock = threading.Lock()
        self._connected = threading.Event()
        self._client = mqtt.Client(client_id or f"A::{originator}::{self._prefix}", clean_session=clean)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_socket_open = lambda c, u, s: s.setsockopt(6, 1, 1)  # TCP_NODELAY
        self._client.on_disconnect = lambda *_: self._connected.clear()
        self._client.reconnect_delay_set(1, 2)
        self._client.connect_async(host, port, keepalive=30)
        self._client.loop_start()
        if not self._connected.wait(10):
            raise NoAnswer(f"no broker at {host}:{port}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()

    def wait_connected(self, seconds=10):
        """True when the connection is up within the time."""
        return self._connected.wait(seconds)

    def _on_connect(self, client, _userdata, _flags, _code):
        me = self.originator.strip("/").replace("/", ":") or "unregistered"
        self._subscriptions = {client.subscribe(topic, 1)[1] for topic in (
            f"/oneM2M/resp/{me}/{self.cse}/#", f"/oneM2M/reg_resp/{me}/{self.cse}/#", f"/oneM2M/req/+/{me}/#")}

        def subscribed(_client, _userdata, number, _granted):
            self._subscriptions.discard(number)
            if not self._subscriptions:
                self._connected.set()
        client.on_subscribe = subscribed

    def _on_message(self, client, _userdata, message):
        try:
            # Notifications come in the serialisation that their topic names.
            loads = SERIALIZATIONS.get(message.topic.rsplit("/", 1)[-1], (None, self._loads))[1]
            primitive = loads(message.payload)
        except ValueError:
            return
        if "/req/" in message.topic:
            self.notifications.put((message.topic, primitive))
            if self._answer_notifications:
                response = {"rsc": 2000, "rqi": primitive.get("rqi"), "rvi": primitive.get("rvi", "4")}
                dumps = SERIALIZATIONS[message.topic.rsplit("/", 1)[-1]][0]
                client.publish(message.topic.replace("/req/", "/resp/", 1), dumps(response), qos=1)
            return
        with self._lock:
            waiting = self._waiting.get(primitive.get("rqi")) or self._waiting.get(None)
        if waiting is not None:
            waiting.put(primitive)

    # -- requests ----------------------------------------------------------------------------------------------------
    def new_rqi(self):
        """A Request Identifier that nobody used."""
        return f"{self._prefix}-{next(self._numbers)}"

    def primitive(self, operation, to, pc=None, **parameters):
        """A request primitive with the usual members filled in; a parameter that is None is left out."""
        primitive = {"op": operation, "to": to, "fr": self.originator, "rqi": self.new_rqi(), "rvi": "4"}
        if pc is not None:
            primitive["pc"] = pc
        primitive.update(parameters)
        return {k: v for k, v in primitive.items() if v is not None}

    def send(self, primitive, seconds=30, kind="req", topic=None):
        """Publishes a request primitive and waits for its response."""
        answers = queue.Queue()
        with self._lock:
            self._waiting[primitive.get("rqi")] = answers
        begin = time.monotonic()
        try:
            self.publish(self._dumps(primitive), kind, topic)
            return Answer(answers.get(timeout=seconds), time.monotonic() - begin)
        except queue.Empty:
            raise NoAnswer(f"no answer within {seconds:g} s to {json.dumps(primitive)}") from None
        finally:
            with self._lock:
                self._waiting.pop(primitive.get("rqi"), None)

    def send_raw(self, payload, seconds=10, topic=None):
        """Publishes any payload and waits for the next answer that belongs to no other request."""
        answers = queue.Queue()
        with self._lock:
            self._waiting[None] = answers
        begin = time.monotonic()
        try:
            self.publish(payload, "req", topic)
            return Answer(answers.get(timeout=seconds), time.monotonic() - begin)
        except queue.Empty:
            raise NoAnswer(f"no answer within {seconds:g} s") from None
        finally:
            with self._lock:
                self._waiting.pop(None, None)

    def publish(self, payload, kind="req", topic=None, retain=False):
        """Publishes without waiting for an answer."""
        me = self.originator.strip("/").replace("/", ":") or "unregistered"
        self._client.publish(topic or f"/oneM2M/{kind}/{me}/{self.cse}/{self.serialization}", payload, qos=1, retain=retain)

    def create(self, parent, resource_type, pc, **parameters):
        """CREATE."""
        return self.send(self.primitive(CREATE, parent, pc, ty=resource_type, **parameters))

    def retrieve(self, to, **parameters):
        """RETRIEVE."""
        return self.send(self.primitive(RETRIEVE, to, **parameters))

    def update(self, to, pc, **parameters):
        """UPDATE."""
        return self.send(self.primitive(UPDATE, to, pc, **parameters))

    def delete(self, to, **parameters):
        """DELETE."""
        return self.send(self.primitive(DELETE, to, **parameters))

    def register(self, name=None, **attributes):
        """Registers as an <AE> by the topic of initial registration."""
        pc = {"m2m:ae": {"api": "Nisthmus.example", "rr": True, "srv": ["3", "4"], "rn": name or self.originator,
                         **attributes}}
        return self.send(self.primitive(CREATE, "cse-in", pc, ty=2), kind="reg_req")

    def next_notification(self, seconds=15):
        """The next NOTIFY: (topic, primitive)."""
        try:
            return self.notifications.get(timeout=seconds)
        except queue.Empty:
            raise NoAnswer(f"no notification within {seconds:g} s") from None
