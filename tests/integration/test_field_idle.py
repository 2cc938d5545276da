"""Connections that idle, and a box on the way that forgets one without a word: between all neighbours that have one."""

import json
import threading
import time

import pytest

from conftest import World
from isthmus.stack import Stack, wait_for
from middle_box import MiddleBox

# Everything is found out in seconds. A short greatest age, so that the session is older than its connection may become.
QUICK = {
    "translation": {},
    "connector": {},
    "synchronizer": {"device.timeout": "8s", "session.timeout": "1s", "notification.timeout": "2s"},
    "mqtt_binding": {"mqtt.keep_alive": "1s"},
}
for options in QUICK.values():
    options.update({"grpc.keepalive_time": "1s", "grpc.keepalive_timeout": "1s", "grpc.max_connection_age": "2s"})
FOUND_OUT = 5  # seconds: time, time-out, and a slow machine


class Boxed:
    """A stack whose services reach each other, and the broker, through a box each."""

    def __init__(self, directory, opener="synchronizer", idle_limit=None, options=None):
        stack = self.stack = Stack(str(directory))
        self.boxes = {}

        def way(hop, target):
            self.boxes[hop] = MiddleBox(target, idle_limit)
            return self.boxes[hop].address
        ports = stack.grpc_ports
        stack.options = {name: dict((options or {}).get(name, {})) for name in ports}
        stack.options["synchronizer"].update({"translation.target": way("translation", ports["translation"]),
                                              "binding.target": way("binding", ports["mqtt_binding"])})
        stack.options["mqtt_binding"].update({"synchronizer.target": way("synchronizer", ports["synchronizer"]),
                                              "mqtt.broker": way("broker", stack.mqtt_port)})
        if opener == "synchronizer":
            stack.options["synchronizer"]["connector.target"] = way("session", ports["connector"])
        else:
            stack.options["synchronizer"]["connector.target"] = ""
            stack.options["connector"]["session.open"] = way("session", ports["synchronizer"])
        self.world = None

    def start(self):
        """Everything, with a device whose battery the application Cmon watches."""
        self.stack.start()
        world = self.world = World(self.stack)
        self.monitor = world.ae("Cmon")
        self.device = world.device("idle", lifetime=3600)
        self.device.register()
        self.node = world.objects("idle", ["battery", "deviceInfo", "reboot"])
        self.battery = self.node + "/battery"
        assert self.monitor.create(self.battery, 23, {"m2m:sub": {"rn": "watch", "nu": ["Cmon"]}}).rsc == 2001
        self.device.wait_observed("/3/0/9")
        wait_for("the first values", lambda: self.kept() == 80)
        assert world.admin.retrieve(self.battery).rsc == 2000
        return self

    def kept(self):
        """The battery's level in our copy."""
        return self.world.admin.retrieve(self.node, rcn=8).content["m2m:bat"][0].get("btl")

    def level(self, value):
        """The device's battery changes, and the device says so."""
        self.device.content("/3/0/9", str(value).encode(), 0)
        self.device.content("/3/0", b"\xc4\x00Acme\xc1\x09" + bytes([value]) + b"\xc1\x14\x00", 11542)
        self.device.notify("/3/0/9", str(value).encode())

    def notified(self, wanted, seconds):
        """Levels that were notified, until `wanted`; repeats of one notification (by its rqi) apart."""
        seen, known = [], set()
        end = time.monotonic() + seconds
        while not seen or seen[-1] != wanted:
            _, primitive = self.monitor.next_notification(max(0.1, end - time.monotonic()))
            level = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"].get("btl")
            if primitive["rqi"] not in known and level is not None:
                known.add(primitive["rqi"])
                seen.append(level)
        return seen

    def drain(self):
        """Forgets the notifications that have come."""
        while not self.monitor.notifications.empty():
            self.monitor.notifications.get()

    def lines(self, service, text, after=0):
        """How often a service has logged a text since an offset of its output."""
        return self.stack.services[service].output()[after:].count(text)

    def close(self):
        """Ends it; StackError if a service did not end cleanly."""
        try:
            if self.world is not None:
                self.world.close()
            self.stack.stop(check=self.world is not None)
        finally:
            self.stack.stop(check=False)
            for box in self.boxes.values():
                box.close()


def check_idle(boxed, seconds):
    """Nothing happens for so long: no connection is forgotten, the session is the same, and an event passes at once."""
    established = {name: boxed.lines(name, "session established") for name in ("synchronizer", "connector")}
    begin = time.monotonic()
    wait_for("the idle time", lambda: boxed.stack.check() or time.monotonic() - begin > seconds, seconds + 10, interval=0.2)
    for name, count in established.items():
        assert boxed.lines(name, "session established") == count == 1, name
        assert boxed.lines(name, "session lost") == 0, name
    assert boxed.lines("mqtt_binding", "connected to the broker") == 1
    assert boxed.lines("mqtt_binding", "no connection to a neighbour") == 0
    assert {hop: box.forgotten_idle for hop, box in boxed.boxes.items()} == dict.fromkeys(boxed.boxes, 0)
    boxed.drain()
    begin = time.monotonic()
    boxed.level(55)
    assert boxed.notified(55, 10) == [55]
    assert time.monotonic() - begin < 1
    answer = boxed.world.admin.retrieve(boxed.battery)
    assert answer.rsc == 2000 and answer.content["btl"] == 55 and answer.seconds < 1, answer


@pytest.mark.parametrize("opener", ["synchronizer", "connector"])
def test_keepalive_holds_idle_connections_open_through_a_box_that_forgets(tmp_path, opener):
    boxed = Boxed(tmp_path, opener, idle_limit=4, options=QUICK)
    try:
        check_idle(boxed.start(), 12)
    finally:
        boxed.close()


@pytest.mark.long
def test_quarter_of_an_hour_of_nothing_through_a_box_that_forgets_after_a_minute(tmp_path):
    """With the settings that are the default; both ways of opening at a time."""
    both = [Boxed(tmp_path / opener, opener, idle_limit=60) for opener in ("synchronizer", "connector")]
    try:
        for boxed in both:
            boxed.start()
        problems = []

        def check(boxed):
            try:
                check_idle(boxed, 900)
            except BaseException as problem:  # pylint: disable=broad-except
                problems.append(problem)
        threads = [threading.Thread(target=check, args=(boxed,)) for boxed in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(1000)
        assert not problems, problems
        assert not any(thread.is_alive() for thread in threads)
    finally:
        for boxed in both:
            boxed.close()
