"""Firmware updates of devices that skip states, lose results, and reboot in between.

Each device has a scripted object 5: the test says what the device does, and looks at m2m:fwr from the application's side.
"""

import json

import pytest

from isthmus.stack import wait_for

LINKS = "</1/0>,</3/0>,</5/0>"
PACKAGE, EXECUTE, URI, STATE, RESULT = "/5/0/0", "/5/0/2", "/5/0/1", "/5/0/3", "/5/0/5"


class FirmwareDevice:
    """A device with object 5 and an application that has subscribed to it."""

    def __init__(self, world, monitor, word, state=0, result=0, version="1.0"):
        self.world, self.device, self.version = world, world.device(world.name(word)), version
        self.tell(state, result)
        self.device.register(LINKS)
        self.firmware = world.objects(self.device.endpoint, ["firmware"]) + "/firmware"
        answer = monitor.create(self.firmware, 23, {"m2m:sub": {"rn": "watch", "nu": ["Cfw"], "enc": {"net": [1]}}})
        assert answer.rsc == 2001, answer
        for path in (STATE, RESULT):
            self.device.wait_observed(path)
        # The first values have been read: what is seen later is of the run.
        wait_for("the first values", lambda: world.admin.retrieve(self.firmware).content["uds"] is not None, 10)

    def tell(self, state, result):
        """What reads of the device answer from now on."""
        device = self.device
        device.content(STATE, str(state).encode(), 0)
        device.content(RESULT, str(result).encode(), 0)
        records = [{"bn": "/5/0/", "n": "3", "v": state}, {"n": "5", "v": result}, {"n": "6", "vs": "app"}]
        if self.version is not None:
            records.append({"n": "7", "vs": self.version})
        device.content("/5/0", json.dumps(records).encode(), 110)

    def change(self, state=None, result=None, notify=True):
        """New values, notified in the order of the arguments."""
        known = [int(self.device.contents[path][1]) for path in (STATE, RESULT)]
        self.tell(known[0] if state is None else state, known[1] if result is None else result)
        if notify:
            for path, value in ((STATE, state), (RESULT, result)):
                if value is not None:
                    self.device.notify(path, str(value).encode())

    def begin(self, **more):
        """Pushes the URL and asks for the update."""
        answer = self.world.admin.update(self.firmware, {"m2m:fwr": dict({"url": "coap://10.0.0.1/image", "ud": True}, **more)})
        assert answer.rsc == 2004, answer
        return answer

    def count(self, path):
        """How often the server wrote or executed a path."""
        return sum(1 for r in list(self.device.requests) if r.path == path and r.code in (2, 3))

    def wait_executed(self):
        """Waits for the Execute."""
        self.device.wait_request(lambda r: r.code == 2 and r.path == EXECUTE)

    def status(self):
        """uds.sus as kept, without asking the device."""
        node = self.firmware.rsplit("/", 1)[0]
        return self.world.admin.retrieve(node, rcn=8).content["m2m:fwr"][0]["uds"]["sus"]

    def wait_status(self, wanted, seconds=10):
        """Waits for a kept status."""
        wait_for(f"updateStatus {wanted} (is {self.status()})", lambda: self.status() == wanted, seconds)

    def downloaded_and_executed(self):
        """The usual way into the middle of an update."""
        self.begin()
        self.change(state=1)
        self.wait_status(3)
        self.change(state=2)
        self.wait_executed()


@pytest.fixture(scope="module")
def monitor(world):
    """An application that is notified of firmware."""
    return world.ae("Cfw")


def test_whole_run(world, monitor):
    one = FirmwareDevice(world, monitor, "whole")
    one.downloaded_and_executed()
    one.change(state=3)
    one.change(state=0, result=1)
    one.wait_status(1)
    assert (one.count(URI), one.count(EXECUTE)) == (1, 1)
    content = world.admin.retrieve(one.firmware).content
    assert content["ud"] is False and content["uds"]["sus"] == 1, content


def test_a_only_the_last_state_arrives(world, monitor):
    one = FirmwareDevice(world, monitor, "last")
    one.begin()
    one.change(state=2, notify=False)
    one.change(state=0, result=5, notify=False)
    one.device.notify(STATE, b"0")
    one.device.notify(RESULT, b"5")
    one.wait_status(2)
    assert world.admin.retrieve(one.firmware).content["uds"]["sus"] == 2
    assert one.count(EXECUTE) == 0


def test_b_gone_after_execute_and_back_with_success(world, monitor):
    one = FirmwareDevice(world, monitor, "gone")
    one.downloaded_and_executed()
    node = one.firmware.rsplit("/", 1)[0]
    before = [world.admin.retrieve(place).content["ri"] for place in (node, one.firmware, one.firmware + "/watch")]
    one.device.deregister()
    wait_for("the loss", lambda: "mgca" not in world.admin.retrieve(node).content, 10)
    one.tell(0, 1)
    one.device.register(LINKS)
    one.wait_status(1)
    after = [world.admin.retrieve(place).content["ri"] for place in (node, one.firmware, one.firmware + "/watch")]
    assert after == before, "node, firmware and subscription have survived"
    one.device.wait_observed(STATE)
    assert (one.count(URI), one.count(EXECUTE)) == (1, 1)


def test_c_power_cut_while_downloading(world, monitor):
    one = FirmwareDevice(world, monitor, "cut")
    one.begin()
    one.change(state=1)
    one.wait_status(3)
    one.tell(0, 0)
    one.device.register(LINKS)
    one.wait_status(2)
    assert one.count(EXECUTE) == 0


def test_d_success_of_the_last_time_is_not_taken_for_this_one(world, monitor):
    one = FirmwareDevice(world, monitor, "stale", result=1)
    assert world.admin.retrieve(one.firmware).content["uds"]["sus"] != 1
    answer = one.begin()
    assert answer.content["uds"]["sus"] != 1, answer
    one.device.notify(RESULT, b"1")
    assert world.admin.retrieve(one.firmware).content["uds"]["sus"] != 1
    one.change(state=1, result=0)
    one.wait_status(3)
    one.change(state=2)
    one.wait_executed()
    one.change(state=0, result=1)
    one.wait_status(1)


def test_e_updating_for_ever_stays_visible_and_is_no_busy_loop(world, monitor):
    one = FirmwareDevice(world, monitor, "ever")
    one.downloaded_and_executed()
    one.change(state=3)
    one.wait_status(3)
    before = len(one.device.requests)
    for _ in range(20):
        one.device.notify(STATE, b"3")
    assert world.admin.retrieve(one.firmware).content["uds"]["sus"] == 3
    assert len(one.device.requests) - before < 5, [r.path for r in one.device.requests[before:]]


def test_f_result_before_state(world, monitor):
    one = FirmwareDevice(world, monitor, "order")
    one.downloaded_and_executed()
    one.change(state=3)
    one.tell(0, 1)
    one.device.notify(RESULT, b"1")
    one.device.notify(STATE, b"0")
    one.wait_status(1)
    assert world.admin.retrieve(one.firmware).content["uds"]["sus"] == 1


def test_g_refused_execute_leaves_the_status(world, monitor):
    one = FirmwareDevice(world, monitor, "refused", state=2)
    before = one.status()
    one.device.content(EXECUTE, b"", None, "4.05")
    answer = world.admin.update(one.firmware, {"m2m:fwr": {"ud": True}})
    assert answer.rsc == 4005, answer
    assert one.status() == before and one.count(EXECUTE) == 1


def test_h_second_trigger_while_downloading_starts_nothing(world, monitor):
    one = FirmwareDevice(world, monitor, "second")
    one.begin()
    one.change(state=1)
    one.wait_status(3)
    answer = world.admin.update(one.firmware, {"m2m:fwr": {"url": "coap://10.0.0.1/image", "ud": True}})
    assert answer.rsc == 2004, answer
    assert world.admin.update(one.firmware, {"m2m:fwr": {"ud": True}}).rsc == 2004
    one.change(state=2)
    one.wait_executed()
    one.change(state=3)
    one.change(state=0, result=1)
    one.wait_status(1)
    assert (one.count(URI), one.count(EXECUTE)) == (1, 1), [(r.code, r.path) for r in one.device.requests]


def test_i_deferred_is_in_process(world, monitor):
    one = FirmwareDevice(world, monitor, "deferred")
    one.downloaded_and_executed()
    one.change(state=2, result=11)
    one.wait_status(3)
    assert world.admin.retrieve(one.firmware).content["uds"]["sus"] == 3
    one.change(state=3)
    one.change(state=0, result=1)
    one.wait_status(1)
    assert one.count(EXECUTE) == 1


@pytest.mark.parametrize("result", [2, 3, 4, 5, 6, 7, 8, 9, 10])
def test_every_failure_is_one(world, monitor, result):
    one = FirmwareDevice(world, monitor, "failure")
    one.begin()
    one.change(state=1)
    one.change(state=0, result=result)
    one.wait_status(2)
    assert one.count(EXECUTE) == 0


def test_synchronizer_restarts_while_the_device_downloads(world, monitor):
    one = FirmwareDevice(world, monitor, "restart")
    one.begin()
    one.change(state=1)
    one.wait_status(3)
    world.stack.restart_killed("synchronizer")
    one.change(state=2)
    one.wait_executed()
    one.change(state=0, result=1)
    one.wait_status(1, 15)
    assert (one.count(URI), one.count(EXECUTE)) == (1, 1)


# -- which version is installed ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["1.1.1", "1.1.10", "1.1.100", "v1.1.10", "1.1.10 ", "1.1.10-rc1", None])
def test_version_is_told_letter_by_letter_and_is_the_packages_own(world, monitor, version):
    one = FirmwareDevice(world, monitor, "version", version=version)
    # What runs on the device is another attribute of another object, and takes no absent version's place.
    one.device.content("/3/0/3", b"9.9", 0)
    one.device.content("/3/0", b"\xc4\x00Acme\xc3\x039.9\xc1\x09\x50\xc1\x14\x00", 11542)
    assert world.admin.retrieve(one.firmware).content.get("vr") == (version or "")
    wait_for("the device information", lambda: world.admin.retrieve(
        one.firmware.replace("firmware", "deviceInfo")).content.get("fwv") == "9.9", 10)
    assert world.admin.retrieve(one.firmware).content.get("vr") == (version or "")


def test_success_with_the_old_version_is_visible_and_starts_nothing_anew(world, monitor):
    one = FirmwareDevice(world, monitor, "same", version="1.1.1")
    one.begin()
    one.change(state=1)
    one.wait_status(3)
    one.change(state=2)
    one.wait_executed()
    one.change(state=0, result=1)
    one.wait_status(1)
    for _ in range(3):
        one.device.register(LINKS)
        one.device.wait_observed(STATE)
        assert world.admin.retrieve(one.firmware).content["vr"] == "1.1.1"
    assert (one.count(URI), one.count(EXECUTE)) == (1, 1)
