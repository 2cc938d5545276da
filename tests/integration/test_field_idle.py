"""Connections that idle, and a box on the way that forgets one without a word: between all neighbours that have one."""

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
        self.known = set()  # rqi of notifications

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
        seen = []
        end = time.monotonic() + seconds
        while not seen or seen[-1] != wanted:
            _, primitive = self.monitor.next_notification(max(0.1, end - time.monotonic()))
            level = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"].get("btl")
            if primitive["rqi"] not in self.known and level is not None:
                self.known.add(primitive["rqi"])
                seen.append(level)
        return seen

    def drain(self):
        """Forgets the notifications that have come."""
        while not self.monitor.notifications.empty():
            self.monitor.notifications.get()

    def lines(self, service, text, after=0):
        """How often a service has logged a message that begins so, since an offset of its output."""
        return self.stack.services[service].output()[after:].count(f'"message":"{text}')

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
    """Nothing happens for so long: no connection is forgotten, and an event passes on the session that was there before."""
    established = {name: boxed.lines(name, "session established") for name in ("synchronizer", "connector")}
    begin = time.monotonic()
    wait_for("the idle time", lambda: boxed.stack.check() or time.monotonic() - begin > seconds, seconds + 10, interval=0.2)

    def check_connections():
        for name, count in established.items():
            assert boxed.lines(name, "session established") == count == 1, name
            assert boxed.lines(name, "session lost") == 0, name
        assert boxed.lines("mqtt_binding", "connected to the broker") == 1
        assert boxed.lines("mqtt_binding", "no connection to a neighbour") == 0
        assert {hop: box.forgotten_idle for hop, box in boxed.boxes.items()} == dict.fromkeys(boxed.boxes, 0)
    check_connections()
    boxed.drain()
    boxed.level(55)
    assert boxed.notified(55, 10) == [55]
    answer = boxed.world.admin.retrieve(boxed.battery)
    assert answer.rsc == 2000 and answer.content["btl"] == 55, answer
    # Not by new connections: how long it took would not tell on a busy machine.
    check_connections()


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


# -- a box that forgets under load -------------------------------------------------------------------------------------
HOPS = ("session", "translation", "binding", "synchronizer", "broker")
# Who says that it is lost, how, and how it says that it is back.
SAID = {
    "session": ("synchronizer", "no session with target", "session target is back"),
    "translation": ("synchronizer", "no connection to a neighbour", "connected to a neighbour again"),
    "binding": ("synchronizer", "no connection to a neighbour", "connected to a neighbour again"),
    "synchronizer": ("mqtt_binding", "no connection to a neighbour", "connected to a neighbour again"),
    "broker": ("mqtt_binding", "connection to the broker lost", "connected to the broker"),
}
# What a request may be answered that the silence has caught, beside success. Never more than these.
CAUGHT = {
    "session": {6003, 6020, 6021, 6030},
    "translation": {4008, 5000, 6030},
    "binding": set(),  # requests do not pass there
    "synchronizer": {4008, 5103},
    "broker": {4008, 6030},
}
EPOCH = 1701172800  # 20231128T120000


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """A function that gives the stack whose session is opened by one side; each is made once."""
    made = {}

    def give(opener):
        if opener not in made:
            made[opener] = Boxed(tmp_path_factory.mktemp(opener), opener, options=QUICK)
            made[opener].start()
        return made[opener]
    try:
        yield give
    finally:
        for one in made.values():
            one.close()


class Writes:
    """What is written to the device's clock: each request writes its own time, so that a second one shows."""

    def __init__(self, boxed):
        self.boxed, self.seen, self.count = boxed, [], 0
        boxed.device.content("/3/0/13", str(EPOCH).encode(), 0)
        boxed.device.handler = self.take

    def take(self, device, request):
        """The device's handler."""
        if request.code != 3 or request.path != "/3/0/13":
            return False
        self.seen.append(request.payload)
        device.answer(request, 0x44)
        return True

    def primitive(self, admin, **parameters):
        """An UPDATE with a time of its own."""
        self.count += 1
        return admin.primitive(3, self.boxed.node + "/deviceInfo", {"m2m:dvi": {"syst": f"20231128T1200{self.count:02}"}},
                               **parameters)


class Asked:
    """Requests in threads of their own, so that the silence catches several at a time."""

    def __init__(self):
        self.threads, self.answers, self.problems = [], [], []

    def send(self, application, primitive, bound):
        """Sends one; it must be answered within the bound."""
        def run():
            try:
                self.answers.append((primitive, application.send(primitive, seconds=bound)))
            except BaseException as problem:  # pylint: disable=broad-except
                self.problems.append(problem)
        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def join(self):
        """All answers, as (primitive, answer)."""
        for thread in self.threads:
            thread.join(60)
        assert not self.problems, self.problems
        return self.answers


@pytest.mark.parametrize("back", ["new connections pass", "new connections are swallowed for a while"])
@pytest.mark.parametrize("hop,opener", [(hop, "synchronizer") for hop in HOPS] + [("session", "connector")])
def test_connection_that_a_box_has_forgotten(boxes, hop, opener, back):
    service, lost, again = SAID[hop]
    if opener == "connector":
        service = "connector"
    boxed = boxes(opener)
    world, box, swallowed = boxed.world, boxed.boxes[hop], back != "new connections pass"
    admin = world.admin
    boxed.level(20)
    boxed.notified(20, 10)
    writes = Writes(boxed)
    if hop == "broker":  # two losses within seconds of each other would be taken for a rival with our client id
        boxed.stack.services["mqtt_binding"].terminate()
        boxed.stack.start_service("mqtt_binding")
    sizes = {name: len(process.output()) for name, process in boxed.stack.services.items()}
    asked = Asked()
    begin = time.monotonic()
    box.swallow = swallowed
    assert box.forget() > 0
    levels = [21, 22]
    for level in levels:
        boxed.level(level)
    # With a bound of their own and without; two seconds pass before anybody can know that the line is dead. None reads
    # the battery: what it tells at the moment would be newer than the changes that wait.
    bound, read = 15, boxed.node + "/deviceInfo#man"
    for _ in range(2):
        asked.send(admin, admin.primitive(2, read, rqet="3000"), bound)
        asked.send(admin, admin.primitive(2, read), bound)
        asked.send(admin, writes.primitive(admin, rqet="3000"), bound)
        asked.send(admin, writes.primitive(admin), bound)
    if swallowed:
        wait_for("the loss to be said", lambda: boxed.lines(service, lost, sizes[service]), FOUND_OUT + 3)
        levels.append(23)
        boxed.level(23)
        wait_for("a while", lambda: time.monotonic() - begin > 6, 10)
        box.swallow = False
    wait_for("requests to be answered again", lambda: admin.send(admin.primitive(2, read, rqet="2000"), 10).rsc == 2000,
             FOUND_OUT + 10)
    back_after = time.monotonic() - begin
    # The broker is tried for five seconds, and then looked for every five.
    assert back_after < (18 if swallowed and hop == "broker" else 12 if swallowed else FOUND_OUT + 3), back_after
    levels.append(24)
    boxed.level(24)
    # Whatever the line: each change reaches the subscriber, in order, and its own copy ends with the current value.
    assert boxed.notified(24, 20) == levels
    assert boxed.kept() == 24
    answers = asked.join()
    assert len(answers) == 8
    for primitive, answer in answers:
        assert answer.rsc in CAUGHT[hop] | {2000 if primitive["op"] == 2 else 2004}, answer
        assert answer.rsc < 3000 or answer.debug, answer
        if "rqet" in primitive and hop != "broker":
            assert answer.seconds < 4.5, answer
    # Nothing was performed twice, and what was said to be performed was.
    assert len(writes.seen) == len(set(writes.seen)), writes.seen
    done = sum(1 for primitive, answer in answers if primitive["op"] == 3 and answer.rsc == 2004)
    assert done <= len(writes.seen) <= writes.count
    if hop == "binding":
        assert done == writes.count
    boxed.device.handler = None
    # Said once, whatever happened on the line.
    if swallowed or hop in ("session", "broker"):
        wait_for("the return to be said", lambda: boxed.lines(service, again, sizes[service]), 5)
        assert boxed.lines(service, lost, sizes[service]) == 1
        assert boxed.lines(service, again, sizes[service]) == 1
    assert boxed.lines("synchronizer", "target does not answer", sizes["synchronizer"]) == 0
    if hop == "session":
        for name in ("synchronizer", "connector"):
            assert boxed.lines(name, "session established", sizes[name]) == 1, name
            assert boxed.lines(name, "session lost", sizes[name]) <= 1, name
    boxed.stack.check()
