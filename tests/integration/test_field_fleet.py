"""Five hundred devices at once, slow, over a line that loses datagrams."""

import time

import pytest

from isthmus import contracts
from isthmus.stack import wait_for

COUNT = 500


def listed(world):
    """Endpoint names that the connector knows."""
    names, token = [], ""
    while True:
        page = contracts.call(f"127.0.0.1:{world.stack.grpc_ports['connector']}",
                              "isthmus.connector.v1.ConnectorService/ListDevices", page_size=1000, page_token=token)
        names += [one.endpoint for one in page.devices]
        token = page.next_page_token
        if not token:
            return names


def complete(world):
    """Batteries whose value (not its fallback) is in our copy."""
    return world.admin.retrieve("cse-in", fc={"fu": 1, "ty": [13], "btl": "77"}).content or []


@pytest.fixture(scope="module")
def fleet(world):
    """500 devices that have just begun to register within a second."""
    process = world.stack.fleet(f"--count={COUNT}", "--name_pattern=crowd-%03d", "--lifetime=60", "--update_percent=45",
                             "--register_rate=500", "--delay=200ms", "--loss=0.05", "--battery.initial=77",
                             "--report_every=0")
    yield process
    process.kill()  # de-registering 500 devices over this line takes long


def test_all_are_registered_and_complete_and_nobody_waits_for_a_silent_one(world, fleet):
    fleet.wait_output("ready", 60)
    silent = world.device("silent-in-the-crowd")
    silent.register()
    node = world.objects("silent-in-the-crowd", ["battery"], 60)
    silent.silent = True
    wait_for("all nodes to be complete", lambda: len(complete(world)) == COUNT, 60, interval=0.5)
    objects = world.admin.retrieve("cse-in", fc={"fu": 1, "ty": [13]}).content
    assert sum(1 for path in objects if path.endswith("/firmware")) == COUNT
    monitor = world.ae("Ccrowd")
    watched = complete(world)[::20]
    for battery in watched:
        assert monitor.create(battery, 23, {"m2m:sub": {"rn": "watch", "nu": ["Ccrowd"]}}).rsc == 2001
    # One slow device delays nobody: the crowd needs 0.2 s for an answer (and a retransmission for one in ten).
    seconds = []
    for battery in watched:
        answer = world.admin.retrieve(battery)
        assert answer.rsc == 2000 and answer.content["btl"] == 77, answer
        seconds.append(answer.seconds)
    assert sorted(seconds)[len(seconds) // 2] < 1.5, seconds
    assert world.admin.retrieve(node + "/battery", rqet="1000").rsc in (6003, 6030)
    for battery in watched:
        labels = world.admin.retrieve(battery.rsplit("/", 1)[0]).content["lbl"]
        endpoint = next(l.split(":", 1)[1] for l in labels if l.startswith("Iwked-Entity-ID:"))
        wait_for(f"the observations of {endpoint}",
                 lambda e=endpoint: world.underneath.observed(e) == {"/3/0/9", "/3/0/20"}, 60, interval=0.1)
    assert len(listed(world)) == COUNT + 1
    world.stack.check()


@pytest.mark.long
def test_nobody_expires_in_five_minutes_of_lost_updates(world, fleet):
    fleet.wait_output("ready", 60)
    begin = time.monotonic()
    wait_for("five minutes", lambda: world.stack.check() or fleet.check() or time.monotonic() - begin > 300, 310, interval=5)
    assert sum(1 for name in listed(world) if name.startswith("crowd-")) == COUNT
    lost = world.admin.retrieve("cse-in", fc={"fu": 1, "ty": [14], "lbl": ["Isthmus-State:lost"]}).content or []
    # The one of the test before is silent for as long as its lifetime by now, and no part of the crowd.
    assert [path for path in lost if not path.endswith("/silent-in-the-crowd")] == []
