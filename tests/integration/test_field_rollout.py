"""Services that are replaced one by one, and names whose addresses change, under load."""

import json
import os
import threading
import time

import pytest

from isthmus.stack import Process, wait_for
from name_server import NameServer

# New addresses are looked for when a connection has reached its age; the default is twenty seconds.
STACK_OPTIONS = {"translation": {"grpc.max_connection_age": "2s"}}
PER_SECOND = 50


@pytest.fixture(scope="module")
def device(world):
    """A device that counts what is written to it."""
    device = world.device("rollout", lifetime=3600)
    device.content("/3/0/13", b"1701172800", 0)
    device.written = []

    def take(one, request):
        if request.code != 3 or request.path != "/3/0/13":
            return False
        one.written.append(request.payload)
        one.answer(request, 0x44)
        return True
    device.handler = take
    device.register()
    world.objects("rollout", ["battery", "deviceInfo"])
    return device


class Load:
    """Fifty requests a second, every fifth of them an UPDATE with a value of its own, without waiting for answers."""

    def __init__(self, world, node, device):
        device.written.clear()
        self.application = world.application("CAdmin")
        self.node, self.going, self.number = node, True, 0
        self.sent, self.answered, self.codes = {}, {}, {}
        take = self.application._client.on_message

        def count(client, userdata, message):
            if "/resp/" in message.topic:
                answer = json.loads(message.payload)
                self.answered.setdefault(answer["rqi"], []).append(time.monotonic())
                self.codes.setdefault(answer["rqi"], []).append((answer["rsc"], (answer.get("pc") or {}).get("m2m:dbg")))
            take(client, userdata, message)
        self.application._client.on_message = count
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        begin = time.monotonic()
        while self.going:
            self.number += 1
            if self.number % 5:
                request = self.application.primitive(2, self.node + "/deviceInfo#man", rqet="20000")
            else:
                when = time.strftime("%Y%m%dT%H%M%S", time.gmtime(1701172800 + self.number))
                request = self.application.primitive(3, self.node + "/deviceInfo", {"m2m:dvi": {"syst": when}}, rqet="20000")
            self.sent[request["rqi"]] = (request["op"], time.monotonic())
            self.application.publish(json.dumps(request))
            time.sleep(max(0, begin + self.number / PER_SECOND - time.monotonic()))  # the pace of the load

    def __enter__(self):
        self.thread.start()
        self.settle(1)
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join(10)

    def settle(self, seconds):
        """Until everything that is older than a moment has been answered, for some seconds."""
        end = time.monotonic() + seconds
        wait_for("the load to go on", lambda: time.monotonic() > end and not self.missing(1.0), seconds + 30)

    def missing(self, age=0.0):
        """Requests without an answer that are older than this."""
        now = time.monotonic()
        return [rqi for rqi, (_, at) in list(self.sent.items()) if rqi not in self.answered and now - at > age]

    def check(self, device, slow=0.05):
        """All answered, once; reads always well; no write twice; at most this part slower than a second."""
        wait_for("an answer to every request", lambda: not self.missing(), 30)
        twice = {rqi: codes for rqi, codes in self.codes.items() if len(codes) > 1}
        assert not twice, twice
        bad = [codes[0] for rqi, codes in self.codes.items() if rqi in self.sent and codes[0][0] not in (2000, 2004)]
        assert not bad, bad[:5]
        assert len(device.written) == len(set(device.written)), "a write was done twice"
        waits = sorted(times[0] - self.sent[rqi][1] for rqi, times in self.answered.items() if rqi in self.sent)
        late = sum(1 for one in waits if one > 1)
        print(f"{len(waits)} requests, {late} slower than 1 s, the slowest {waits[-1]:.2f} s")
        assert late <= slow * len(waits) and waits[-1] < 10, (late, len(waits), waits[-5:])


def test_each_service_is_restarted_under_load(world, device):
    with Load(world, world.node("rollout"), device) as load:
        for name in ("translation", "connector", "synchronizer", "mqtt_binding"):
            assert world.stack.services[name].terminate() == 0
            world.stack.start_service(name)
            load.settle(2)
    load.check(device)


def switches(process):
    """How often its threads have waited for something: it grows with each call."""
    total = 0
    for task in os.listdir(f"/proc/{process.pid}/task"):
        try:
            with open(f"/proc/{process.pid}/task/{task}/status", encoding="utf-8") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("voluntary"))
        except FileNotFoundError:
            continue
    return total


def works(process, seconds=30):
    """Waits until calls reach a replica: it does much more than an idle one, which only looks after itself."""
    def look():
        before = switches(process)
        begin = time.monotonic()
        wait_for("a second", lambda: time.monotonic() - begin > 1, 3)
        return switches(process) - before > 2 * PER_SECOND / 3
    wait_for(f"{process.name} to get work", look, seconds)


def test_translation_that_is_scaled_and_moves_to_another_address(world, device):
    stack, node = world.stack, world.node("rollout")
    port = stack.grpc_ports["translation"]

    def replica(number):
        command = [one for one in stack.command("translation") if not one.startswith("--grpc.listen")]
        one = Process(f"translation-{number}", command + [f"--grpc.listen=127.0.0.{number}:{port}"], stack.directory)
        stack.others.append(one)
        one.wait_output("serving", 15)
        return one
    with NameServer({"translation.test": ["127.0.0.1"]}) as names:
        stack.options["synchronizer"] = {"translation.target": f"dns://{names.address}/translation.test:{port}"}
        stack.services["synchronizer"].terminate()
        stack.start_service("synchronizer")
        with Load(world, node, device) as load:
            # One, three, one.
            others = [replica(2), replica(3)]
            names.records["translation.test"] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
            for one in others:
                works(one)
            names.records["translation.test"] = ["127.0.0.1"]
            for one in others:
                assert one.terminate() == 0
            load.settle(2)
            # Another address, and the old one is no more.
            moved = replica(4)
            names.records["translation.test"] = ["127.0.0.4"]
            assert stack.services["translation"].terminate() == 0
            works(moved)
            load.settle(2)
            # And back.
            stack.start_service("translation")
            names.records["translation.test"] = ["127.0.0.1"]
            assert moved.terminate() == 0
            works(stack.services["translation"])
        load.check(device)
        assert names.asked > 3
    stack.options["synchronizer"] = {}
    stack.services["synchronizer"].terminate()
    stack.start_service("synchronizer")
