"""Services and broker that end without a word, with requests under way."""

import threading

import pytest

from isthmus.application import NoAnswer
from isthmus.stack import wait_for


@pytest.fixture(scope="module")
def device(world):
    """A registered device with a watched battery."""
    device = world.device("faults")
    device.register()
    world.objects("faults", ["battery"])
    return device


class Load:
    """RETRIEVEs one after the other from several threads, until stopped; keeps the answers' codes."""

    def __init__(self, world, address, threads=4):
        self.world, self.address, self.going = world, address, True
        self.codes, self.unanswered = [], 0
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        """One thread."""
        while self.going:
            try:
                self.codes.append(self.world.admin.send(self.world.admin.primitive(2, self.address), seconds=8).rsc)
            except NoAnswer:
                self.unanswered += 1

    def stop(self):
        """Ends it."""
        self.going = False
        for thread in self.threads:
            thread.join()


def works(world, address):
    """A RETRIEVE is answered 2000."""
    try:
        return world.admin.send(world.admin.primitive(2, address), seconds=5).rsc == 2000
    except NoAnswer:
        return False


@pytest.mark.parametrize("service", ["translation", "connector", "synchronizer", "mqtt_binding"])
def test_killed_service_comes_back_and_the_others_reconnect(world, device, service):
    battery = world.node("faults") + "/battery"
    load = Load(world, battery)
    wait_for("load", lambda: len(load.codes) > 20, 15)
    world.stack.services[service].kill()
    world.stack.start_service(service)
    wait_for(f"requests to work after {service} was killed", lambda: works(world, battery), 20)
    load.stop()
    world.stack.check()
    assert load.codes.count(2000) > 20
    if service != "mqtt_binding":
        # The adapter is alive: whatever else is gone, each request gets an answer.
        assert load.unanswered == 0, load.codes
    others = [p for n, p in world.stack.services.items() if n != service]
    assert all(p.running() for p in others)


def test_broker_killed_and_back(world, device):
    battery = world.node("faults") + "/battery"
    load = Load(world, battery)
    wait_for("load", lambda: len(load.codes) > 20, 15)
    world.stack.broker.kill()
    wait_for("readiness to be gone", lambda: not world.stack.healthy("mqtt_binding"), 10)
    assert world.stack.services["mqtt_binding"].running()
    world.stack.start_broker()
    assert world.admin.wait_connected(15)
    wait_for("requests to work after the broker was killed", lambda: works(world, battery), 20)
    load.stop()
    wait_for("readiness", lambda: world.stack.healthy("mqtt_binding"), 10)


def test_everything_acknowledged_survives_kill_9(world, device):
    names = [world.name("kept") for _ in range(20)]
    for name in names:
        answer = world.admin.create("cse-in", 1, {"m2m:acp": {
            "rn": name, "pv": {"acr": [{"acor": ["all"], "acop": 2}]},
            "pvs": {"acr": [{"acor": ["CAdmin"], "acop": 63}]}}})
        assert answer.rsc == 2001
    world.stack.restart_killed("synchronizer")
    for name in names:
        answer = world.admin.retrieve("cse-in/" + name)
        assert answer.rsc == 2000 and answer.content["rn"] == name


def test_registration_and_observation_survive_a_restart_of_the_connector(world, device):
    monitor = world.ae("Cfault")
    battery = world.node("faults") + "/battery"
    assert monitor.create(battery, 23, {"m2m:sub": {"rn": "watch", "nu": ["Cfault"]}}).rsc == 2001
    device.wait_observed("/3/0/9")
    world.stack.restart_killed("connector")
    assert wait_for("the device to be asked", lambda: works(world, battery), 20)
    device.update()
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/3/0/9", b"17")
    while True:
        _, primitive = monitor.next_notification()
        if primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"].get("btl") == 17:
            break


def test_value_that_changed_while_the_synchronizer_was_away_arrives(world, device):
    monitor = world.ae("Caway")
    battery = world.node("faults") + "/battery"
    assert monitor.create(battery, 23, {"m2m:sub": {"rn": "away", "nu": ["Caway"]}}).rsc == 2001
    device.wait_observed("/3/0/9")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    world.stack.services["synchronizer"].kill()
    for level in (21, 22, 23):
        device.notify("/3/0/9", str(level).encode())
    world.stack.start_service("synchronizer")
    seen = []
    while 23 not in seen:
        _, primitive = monitor.next_notification(20)
        seen.append(primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"].get("btl"))
    assert seen == sorted(set(seen)), "in order, none twice"


def test_sigterm_finishes_what_is_under_way(world, device):
    battery = world.node("faults") + "/battery"
    answered = threading.Event()

    def slow(_, request):
        if request.path == "/3/0" and request.code == 1:
            threading.Timer(1.0, lambda: device.answer(request, 0x45, b"\xc1\x09\x50\xc1\x14\x00",
                                                       [(12, (11542).to_bytes(2, "big"))])).start()
            answered.set()
            return True
        return False
    device.handler = slow
    result = []
    thread = threading.Thread(target=lambda: result.append(world.admin.retrieve(battery)))
    thread.start()
    assert answered.wait(5)
    status = world.stack.services["mqtt_binding"].terminate()
    thread.join()
    device.handler = None
    world.stack.start_service("mqtt_binding")
    assert status == 0
    assert result and result[0].rsc == 2000
