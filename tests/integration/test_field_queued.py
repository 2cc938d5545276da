"""Thousands of notifications for an application that is away, with a broker and services that come and go meanwhile."""

import os
import shutil
import threading
import time

import pytest

from conftest import World
from isthmus.application import Application
from isthmus.stack import Stack, wait_for

# (how many, how many seconds between two of them)
FEW, MANY = (600, 0.01), (3000, 0.01)
SIZES = [pytest.param(FEW, id="600"), pytest.param(MANY, id="3000", marks=pytest.mark.long)]
LAST = 100  # the level that ends a series; no other has it


def memory_of(process):
    """Resident memory in KiB."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Series:
    """A device whose battery changes all the time, and what the application Caway hears of it."""

    def __init__(self, world):
        self.world = world
        self.device = world.device(world.name("busy"), lifetime=3600)
        self.device.content("/3/0", b"\xc1\x09\x00\xc1\x14\x00", 11542)
        self.device.register()
        self.node = world.objects(self.device.endpoint, ["battery"])
        world.ae("Caway").close()
        self.client_id = world.name("A::Caway")
        self.application = None
        self.come()
        assert self.application.create(self.node + "/battery", 23, {"m2m:sub": {"rn": "watch", "nu": ["Caway"]}}).rsc == 2001
        self.device.wait_observed("/3/0/9")
        # One round from the device to the application before anything is counted.
        self.sent, self.heard, self.known = [], [], set()
        self.send([LAST - 1])
        self.hear(LAST - 1, 10)
        self.sent, self.heard = [], []

    def come(self):
        """The application connects to its durable session."""
        self.application = Application("Caway", self.world.stack.mqtt_host, self.world.stack.mqtt_port,
                                       client_id=self.client_id, clean=False)

    def go(self):
        """It is away; the broker keeps its session."""
        self.application.close()

    def send(self, levels, pause=0.0):
        """The device notifies these."""
        for level in levels:
            self.device.notify("/3/0/9", str(level).encode())
            self.sent.append(level)
            if pause:
                time.sleep(pause)  # the pace of the load

    def count(self, number):
        """Levels that differ from their neighbours."""
        return [1 + (len(self.sent) + i) % 79 for i in range(number)]

    def hear(self, wanted, seconds):
        """Takes notifications until `wanted`; repeats (by their rqi) apart."""
        end = time.monotonic() + seconds
        while not self.heard or self.heard[-1] != wanted:
            _, primitive = self.application.next_notification(max(0.1, end - time.monotonic()))
            level = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"].get("btl")
            if primitive["rqi"] not in self.known and level not in (0, None):
                self.known.add(primitive["rqi"])
                self.heard.append(level)

    def applied(self, level, seconds=30):
        """Waits until our copy has this level: every change before it is a notification by then."""
        wait_for(f"level {level} in our copy", lambda: self.world.admin.retrieve(
            self.node, rcn=8).content["m2m:bat"][0].get("btl") == level, seconds, interval=0.1)

    def close(self):
        """No more notifications."""
        self.world.admin.delete(self.node + "/battery/watch")
        self.application.close()


class Neighbour:
    """Another application that reads another device all the while, and how long its answers take."""

    def __init__(self, world):
        device = world.device(world.name("calm"), lifetime=3600)
        device.register()
        self.address = world.objects(device.endpoint, ["battery"]) + "/battery"
        self.application = world.application("CAdmin")
        self.seconds, self.codes, self.going = [], set(), True
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while self.going:
            answer = self.application.retrieve(self.address, rqet="20000")
            self.seconds.append(answer.seconds)
            self.codes.add(answer.rsc)
            time.sleep(0.05)  # the pace at which it asks

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join(30)

    def percentile(self, part):
        """Seconds that this part of the answers stayed below."""
        return sorted(self.seconds)[int((len(self.seconds) - 1) * part)]


@pytest.fixture
def series(world):
    """A busy device and its application."""
    one = Series(world)
    yield one
    one.close()


class Memory:
    """How much the services and the broker grow."""

    def __init__(self, world):
        self.processes = dict(world.stack.services, mosquitto=world.stack.broker)
        self.before = {name: memory_of(process) for name, process in self.processes.items()}
        self.most = dict(self.before)

    def look(self):
        """Once more."""
        for name, process in self.processes.items():
            if process.running():
                self.most[name] = max(self.most[name], memory_of(process))

    def growth(self):
        """In MiB."""
        return {name: (self.most[name] - self.before[name]) / 1024 for name in self.before}


def check_memory(memory, number):
    """Bounded: what waits is some kilobytes each, wherever that is."""
    growth = memory.growth()
    print(f"{number} notifications: growth in MiB", {name: round(one, 1) for name, one in growth.items()})
    assert max(growth.values()) < 24, growth


@pytest.mark.parametrize("size", SIZES)
def test_application_that_is_away_while_they_pile_up(world, series, size):
    number, pause = size
    memory = Memory(world)
    series.go()
    with Neighbour(world) as neighbour:
        series.send(series.count(number), pause)
        series.send([LAST])
        series.applied(LAST)
        memory.look()
    # Nobody else waits because this one is away. (A third of a millisecond is usual; the machine may be busy.)
    assert neighbour.codes == {2000}
    assert neighbour.percentile(0.5) < 0.05 and neighbour.percentile(1) < 1, (neighbour.percentile(0.5), neighbour.percentile(1))
    # They wait at the broker, and not with us: nothing is lost with us.
    log = world.stack.services["synchronizer"]
    wait_for("the application to be found silent", lambda: "target does not answer notifications" in log.output(), 15)
    wait_for("the rest to be handed over", lambda: queued(world) >= number, 20, interval=0.5)
    for name in ("synchronizer", "mqtt_binding"):
        world.stack.restart_killed(name)
    begin = time.monotonic()
    series.come()
    series.hear(LAST, 60)
    print(f"drained in {time.monotonic() - begin:.1f} s")
    assert series.heard == series.sent
    check_memory(memory, number)


def queued(world):
    """Messages that the broker keeps for somebody who is away, as it says itself."""
    client = world.application("Cqueued")
    counts = []
    client._client.message_callback_add("$SYS/broker/store/messages/count",
                                        lambda *arguments: counts.append(int(arguments[2].payload)))
    client._client.subscribe("$SYS/broker/store/messages/count", 1)
    try:
        return wait_for("the broker's count", lambda: counts, 15)[-1]
    finally:
        client.close()


@pytest.mark.parametrize("size", SIZES)
def test_broker_that_restarts_while_they_pile_up_for_one_that_is_away(world, series, size):
    number, pause = size
    memory = Memory(world)
    series.go()
    series.send(series.count(number // 3), pause)
    world.stack.broker.terminate()  # with its queues on disk
    wait_for("readiness to be gone", lambda: not world.stack.healthy("mqtt_binding"), 10)
    series.send(series.count(number // 3), pause)
    world.stack.start_broker()
    series.send(series.count(number // 3), pause)
    series.send([LAST])
    memory.look()
    wait_for("readiness", lambda: world.stack.healthy("mqtt_binding"), 15)
    assert world.admin.wait_connected(15)
    series.applied(LAST)
    series.come()
    series.hear(LAST, 60)
    assert series.heard == series.sent
    check_memory(memory, number)


@pytest.mark.parametrize("gone", ["broker", "mqtt_binding"])
@pytest.mark.parametrize("size", SIZES)
def test_broker_or_adapter_that_is_away_while_they_pile_up(world, series, size, gone):
    number, pause = size
    memory = Memory(world)
    if gone == "broker":
        world.stack.broker.kill()
    else:
        world.stack.services[gone].kill()
    series.send(series.count(number), pause)
    series.send([LAST])
    memory.look()
    if gone == "broker":
        world.stack.start_broker()
    else:
        world.stack.start_service(gone)
    assert world.admin.wait_connected(15) and series.application.wait_connected(15)
    begin = time.monotonic()
    series.hear(LAST, 60)
    print(f"drained in {time.monotonic() - begin:.1f} s")
    assert series.heard == series.sent
    wait_for("readiness", lambda: world.stack.healthy("mqtt_binding"), 15)
    memory.look()
    check_memory(memory, number)


# -- a broker that is away for five minutes ----------------------------------------------------------------------------
def five_minutes_without_a_broker(directory, store, seconds):
    """One stack: its device notifies each second while the broker is gone; then everything is as before."""
    stack = Stack(str(directory))
    try:
        stack.start()
        world = World(stack)
        series = Series(world)
        pids = [process.pid for process in stack.services.values()]
        memory = Memory(world)
        stack.broker.kill()
        begin = time.monotonic()
        wait_for("readiness to be gone", lambda: not stack.healthy("mqtt_binding"), 10)
        while time.monotonic() - begin < seconds:
            series.send(series.count(1), 1)
            memory.look()
        assert not stack.healthy("mqtt_binding")
        for name in ("translation", "connector", "synchronizer"):
            assert stack.healthy(name), f"{name} can do nothing about it, and a restart would not help"
        if store == "lost":
            shutil.rmtree(os.path.join(stack.directory, "mosquitto"))
        stack.start_broker()
        begin = time.monotonic()
        # Whatever Session Present says: the topics are subscribed again.
        wait_for("readiness", lambda: stack.healthy("mqtt_binding"), 10)
        assert world.admin.wait_connected(10) and series.application.wait_connected(10)
        answer = world.admin.retrieve(series.node)
        assert answer.rsc == 2000 and time.monotonic() - begin < 15, answer
        series.send([LAST])
        series.hear(LAST, 30)
        assert series.heard == series.sent
        assert stack.healthy("mqtt_binding")
        assert [process.pid for process in stack.services.values()] == pids
        stack.check()
        check_memory(memory, len(series.sent))
        series.close()
        world.close()
        stack.stop()
    finally:
        stack.stop(check=False)


@pytest.mark.parametrize("seconds", [pytest.param(10, id="ten seconds"),
                                     pytest.param(300, id="five minutes", marks=pytest.mark.long)])
def test_broker_that_is_away_for_long(tmp_path, seconds):
    """With and without its store, both at a time."""
    problems = []

    def run(store):
        try:
            five_minutes_without_a_broker(tmp_path / store, store, seconds)
        except BaseException as problem:  # pylint: disable=broad-except
            problems.append((store, problem))
    threads = [threading.Thread(target=run, args=(store,)) for store in ("kept", "lost")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 90)
    assert not problems, problems
    assert not any(thread.is_alive() for thread in threads)
