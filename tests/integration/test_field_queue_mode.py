"""Devices in queue mode: how long they listen, what is kept for them, and that nothing is done twice.

The awake window is short here, so that the tests need not wait a minute and a half.
"""

import threading
import time

import pytest

from isthmus.stack import wait_for
from scripted_device import ACK, CON, CONTENT_FORMAT, GET, PUT, Message, code

AWAKE = 1.5
STACK_OPTIONS = {"connector": {"registration.awake": f"{AWAKE:g}s"}}
LATER = "60000"
QUERIES = {"1.0": ["lwm2m=1.0", "b=UQ"], "1.1": ["lwm2m=1.1", "b=U", "Q"]}


class Sleeper:
    """A device in queue mode, and requests of an application to it."""

    def __init__(self, world, word, version="1.1"):
        self.world = world
        self.device = world.device(world.name(word), lifetime=600)
        self.query = [f"ep={self.device.endpoint}", "lt=600"] + QUERIES[version]
        self.device.content("/3/0/13", b"1701172800", 0)
        self.device.register(query=self.query)
        self.node = world.objects(self.device.endpoint, ["battery", "deviceInfo"])
        assert world.underneath.device(self.device.endpoint).device.queue_mode

    def quiet(self):
        """Waits until it has been heard by nobody for longer than the window: it is taken for asleep."""
        last = {"count": -1, "at": 0.0}

        def look():
            if len(self.device.requests) != last["count"]:
                last.update(count=len(self.device.requests), at=time.monotonic())
            return time.monotonic() - last["at"] > AWAKE + 0.2
        wait_for("the end of the window", look, 20)

    def ask(self, call):
        """A request in the background; returns where its answer will be."""
        result = {}

        def run():
            result["answer"] = call()
        result["thread"] = threading.Thread(target=run)
        result["thread"].start()
        return result

    def read(self, name="battery", rqet=LATER):
        """A RETRIEVE in the background."""
        return self.ask(lambda: self.world.admin.retrieve(f"{self.node}/{name}", rqet=rqet))

    def write(self, time_of_day, rqet=LATER):
        """An UPDATE of syst in the background."""
        return self.ask(lambda: self.world.admin.update(
            self.node + "/deviceInfo", {"m2m:dvi": {"syst": f"20231128T{time_of_day}"}}, rqet=rqet))

    def asked(self, before):
        """Requests since `before`."""
        return [(r.code, r.path) for r in self.device.requests[before:]]


def answer_of(result):
    """Waits for the answer of a background request."""
    result["thread"].join(40)
    assert "answer" in result, "no answer"
    return result["answer"]


@pytest.fixture
def settled(world):
    """A device elsewhere; a request to it that has been answered says that earlier ones have been handled."""
    device = world.device(world.name("settled"))
    device.register()
    battery = world.objects(device.endpoint, ["battery"]) + "/battery"

    def handled():
        for _ in range(5):
            answer = world.admin.retrieve(battery)
            assert answer.rsc == 2000 and answer.seconds < 1
    return handled


@pytest.mark.parametrize("version", QUERIES)
def test_a_window_counts_from_the_last_exchange(world, version):
    one = Sleeper(world, "window", version)
    begin = time.monotonic()
    while time.monotonic() - begin < 2 * AWAKE:
        answer = world.admin.retrieve(one.node + "/battery", rqet="4000")
        assert answer.rsc == 2000 and answer.seconds < 1, (time.monotonic() - begin, answer)
        time.sleep(0.7 * AWAKE)


@pytest.mark.parametrize("wake", ["update", "register"])
@pytest.mark.parametrize("version", QUERIES)
def test_b_c_kept_requests_are_done_once_in_order_when_it_wakes(world, settled, version, wake):
    one = Sleeper(world, "kept", version)
    one.quiet()
    before = len(one.device.requests)
    first = one.write("120000")
    settled()
    second = one.write("130000")
    settled()
    third = one.read()
    settled()
    assert one.asked(before) == [], "nothing is sent to a sleeper"
    at_once, open_now = [], []

    def slowly(device, request):
        """Answers after a while, to see whether the next request waits for it."""
        open_now.append(request.message_id)
        at_once.append(len(set(open_now)))

        def finish():
            open_now.remove(request.message_id)
            if request.code == PUT or (request.code == 2 and request.path == "/3/0"):
                device.answer(request, code("2.04"))
            else:
                number, payload, content_format = device.contents.get(request.path, (code("4.04"), b"", None))
                options = [] if content_format is None else [(CONTENT_FORMAT, content_format.to_bytes(2, "big").lstrip(b"\0"))]
                device.answer(request, number, payload, options)
        threading.Timer(0.1, finish).start()
        return True
    one.device.handler = slowly
    if wake == "update":
        one.device.update()
    else:
        one.device.register(query=one.query)
    answers = [answer_of(result) for result in (first, second, third)]
    one.device.handler = None
    assert [answer.rsc for answer in answers] == [2004, 2004, 2000], answers
    writes = [r.payload for r in one.device.requests[before:] if r.code in (2, 3)]
    assert len(writes) == 2 and writes[0] != writes[1], "each once"
    noon, one_o_clock = 1701172800, 1701176400
    for payload, seconds in zip(writes, (noon, one_o_clock)):
        assert seconds.to_bytes(4, "big") in payload or str(seconds).encode() in payload, writes
    assert max(at_once) == 1, "one at a time"


def test_d_notification_alone_wakes(world, settled):
    one = Sleeper(world, "notifier")
    monitor = world.ae("Cq")
    assert monitor.create(one.node + "/battery", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cq"]}}).rsc == 2001
    one.device.wait_observed("/3/0/9")
    one.device.wait_observed("/3/0/20")
    one.quiet()
    before = len(one.device.requests)
    result = one.read()
    settled()
    assert one.asked(before) == []
    one.device.notify("/3/0/9", b"70")
    answer = answer_of(result)
    assert answer.rsc == 2000 and answer.seconds < 10, answer
    assert one.asked(before) == [(GET, "/3/0")]


def test_d_send_alone_wakes(world, settled):
    one = Sleeper(world, "sender")
    one.quiet()
    before = len(one.device.requests)
    result = one.read()
    settled()
    assert one.asked(before) == []
    sent = one.device.ask(2, "/dp", payload=b'[{"n":"/3/0/9","v":71}]', content_format=110)
    assert sent.code == code("2.04"), sent.payload
    assert answer_of(result).rsc == 2000
    assert one.asked(before) == [(GET, "/3/0")]


def test_e_acknowledged_and_asleep_again(world, settled):
    one = Sleeper(world, "again")
    one.quiet()
    before = len(one.device.requests)
    first = one.read("battery")
    settled()
    second = one.read("deviceInfo#man")
    settled()
    third = one.read("deviceInfo#fwv")
    settled()
    one.device.content("/3/0/3", b"1.0", 0)
    acknowledged = []

    def doze(device, request):
        if request.path == "/3/0/0" and not acknowledged:
            acknowledged.append(request)
            device.send(Message(ACK, 0, request.message_id))
            device.silent = True
            return True
        return False
    one.device.handler = doze
    one.device.update()
    assert answer_of(first).rsc == 2000
    wait_for("the acknowledgement of the second", lambda: acknowledged, 10)
    begin = time.monotonic()
    wait_for("it to be taken for asleep", lambda: time.monotonic() - begin > AWAKE + 0.5, 10)
    assert "answer" not in second and "answer" not in third
    one.device.silent = False
    one.device.update()
    one.device.send(Message(CON, code("2.05"), one.device.next_id(), acknowledged[0].token, [(CONTENT_FORMAT, b"")], b"Acme"))
    answers = answer_of(second), answer_of(third)
    assert [answer.rsc for answer in answers] == [2000, 2000], answers
    assert answers[0].content == {"man": "Acme"} and answers[1].content == {"fwv": "1.0"}
    assert one.asked(before).count((GET, "/3/0")) == 1


def test_f_request_that_expires_is_answered_in_time_and_never_sent(world, settled):
    one = Sleeper(world, "expires")
    one.quiet()
    before = len(one.device.requests)
    first = one.write("140000", rqet="1500")
    second = one.read()
    settled()
    answer = answer_of(first)
    assert answer.rsc == 6030 and 1 < answer.seconds < 3, answer
    assert one.asked(before) == []
    one.device.update()
    assert answer_of(second).rsc == 2000
    assert one.asked(before) == [(GET, "/3/0")]


def test_sleeper_from_a_new_address_is_asked_there(world, settled):
    one = Sleeper(world, "roaming")
    one.quiet()
    result = one.read()
    settled()
    one.device.move()
    one.device.update()
    assert answer_of(result).rsc == 2000


def test_restart_of_the_connector_forgets_no_sleeper(world):
    one = Sleeper(world, "restarted")
    one.quiet()
    world.stack.restart_killed("connector")
    before = len(one.device.requests)
    result = one.read()
    wait_for("the request to arrive", lambda: world.admin.retrieve("cse-in").rsc == 2000, 5)
    one.device.update()
    assert answer_of(result).rsc == 2000
    assert one.asked(before).count((GET, "/3/0")) <= 2
