"""Devices that move, restart, answer late or not at all; and what the applications see of it: nothing worse than a code."""

import threading
import time

import pytest

from isthmus.application import NoAnswer
from isthmus.stack import wait_for
from scripted_device import ACK, CON, CONTENT_FORMAT, GET, OBSERVE, RST, Message, code, uint

TLV = 11542
BLOCK2, ETAG = 23, 4


@pytest.fixture(scope="module")
def monitor(world):
    """An application that is notified."""
    return world.ae("Cmon")


def level_of(primitive):
    """btl of a notification."""
    return primitive["pc"]["m2m:sgn"]["nev"]["rep"].get("m2m:bat", {}).get("btl")


def until(monitor, wanted, seconds=15):
    """Battery levels that were notified, until `wanted` has come; without the one of before the test."""
    seen = []
    while wanted not in seen:
        level = level_of(monitor.next_notification(seconds)[1])
        if seen or level != 80:
            seen.append(level)
    return seen


def drain(application):
    """Forgets what has come so far."""
    while not application.notifications.empty():
        application.notifications.get()


def battery(device, level):
    """What its reads answer from now on."""
    device.content("/3/0", b"\xc4\x00Acme\xc1\x09" + bytes([level]) + b"\xc1\x14\x00", TLV)
    device.content("/3/0/9", str(level).encode(), 0)


def watched(world, monitor, word, **options):
    """A registered device with a subscription to its battery; returns it and the battery's address."""
    device = world.device(world.name(word), **options)
    device.register()
    address = world.objects(device.endpoint, ["battery"]) + "/battery"
    assert monitor.create(address, 23, {"m2m:sub": {"rn": "watch", "nu": ["Cmon"], "enc": {"net": [1]}}}).rsc == 2001
    device.wait_observed("/3/0/9")
    assert world.admin.retrieve(address).content["btl"] == 80
    drain(monitor)
    return device, address


class Latency:
    """RETRIEVEs of a healthy device all the while; `worst` is the slowest answer."""

    def __init__(self, world, address):
        self.world, self.address, self.going = world, address, True
        self.seconds, self.codes = [], []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        """The thread."""
        while self.going:
            answer = self.world.admin.retrieve(self.address)
            self.seconds.append(answer.seconds)
            self.codes.append(answer.rsc)
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()


@pytest.fixture(scope="module")
def healthy(world):
    """Address of the battery of a device that always answers."""
    device = world.device("healthy")
    device.register()
    return world.objects("healthy", ["battery"]) + "/battery"


# -- NAT ---------------------------------------------------------------------------------------------------------------
def test_nat_a_notification_from_a_new_port(world, monitor):
    device, address = watched(world, monitor, "nat")
    old = device.observations["/3/0/9"]["token"]
    device.move()
    strange = device.notify("/3/0/9", b"13", token=old, sequence=5)
    ping = Message(CON, 0, device.next_id())
    device.send(ping)
    while device.resets.get(timeout=5).message_id != ping.message_id:
        pass  # a Reset of the strange notification may come before that of the ping, which stands behind it
    battery(device, 50)
    device.update()
    assert until(monitor, 50) == [50], "what came from the strange port was not taken"
    known = device.observations["/3/0/9"]["token"]
    device.notify("/3/0/9", b"49", token=old, sequence=6)
    device.notify("/3/0/9", b"48", token=known, sequence=7)
    assert set(until(monitor, 48)) <= {49, 48}
    assert world.admin.retrieve(address).content["btl"] == 50
    assert strange.code == code("2.05")


def test_nat_b_old_port_goes_to_another_device(world, monitor):
    first, first_battery = watched(world, monitor, "tenant")
    old_port, old_token = first.port, first.observations["/3/0/9"]["token"]
    battery(first, 11)
    first.leave()
    second = world.device(world.name("tenant"))
    battery(second, 22)
    second.move(old_port)
    second.register()
    second_battery = world.objects(second.endpoint, ["battery"]) + "/battery"
    # Nobody knows where the first is: it is not asked at the address of the second.
    answer = world.admin.retrieve(first_battery, rqet="1500")
    assert answer.rsc in (6003, 6030), answer
    second.notify("/3/0/9", b"23", token=old_token, sequence=50)
    assert world.admin.retrieve(second_battery).content["btl"] == 22
    first._open()
    first.update()
    assert world.admin.retrieve(first_battery).content["btl"] == 11
    assert world.admin.retrieve(second_battery).content["btl"] == 22
    first.notify("/3/0/9", b"12")
    assert set(until(monitor, 12)) <= {11, 12}, "nothing of the second became a value of the first"


def test_nat_c_registered_twice_from_one_socket(world):
    device = world.device(world.name("double"))
    device.register()
    first = device.location
    device.register()
    assert device.location != first
    device.update()
    address = world.objects(device.endpoint, ["battery"]) + "/battery"
    assert world.admin.retrieve(address).content["btl"] == 80
    device.location = first
    device.update(expect="4.04")


def test_nat_d_flood_of_ports(world, monitor):
    device, address = watched(world, monitor, "flood")
    for turn in range(50):
        device.move()
        device.update()
        if turn % 10 == 0:
            battery(device, turn)
            assert world.admin.retrieve(address).content["btl"] == turn
    battery(device, 66)
    wait_for("the last port", lambda: world.admin.retrieve(address).content.get("btl") == 66, 10)
    wait_for("one observation", lambda: world.underneath.observed(device.endpoint) == {"/3/0/9", "/3/0/20"}, 15)
    wait_for("the observation on the last port", lambda: "/3/0/9" in device.observations, 10)
    drain(monitor)
    device.notify("/3/0/9", b"67", sequence=100)
    until(monitor, 67)


# -- restarts ----------------------------------------------------------------------------------------------------------
def memory_of(process):
    """Resident memory in KiB."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def test_twenty_restarts_without_deregistering(world, monitor):
    device = world.device(world.name("restarts"))
    links = "</1/0>,</3/0>,</5/0>"
    device.content("/5/0", b'[{"bn":"/5/0/","n":"3","v":0},{"n":"5","v":0}]', 110)
    for path in ("/5/0/3", "/5/0/5"):
        device.content(path, b"0", 0)
    for path in ("/3/0/3", "/3/0/19"):
        device.content(path, b"1.0", 0)
    device.register(links)
    node = world.objects(device.endpoint, ["battery", "deviceInfo", "firmware"])
    for name in ("battery", "deviceInfo", "firmware"):
        assert monitor.create(f"{node}/{name}", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cmon"]}}).rsc == 2001
    paths = {"/3/0/9", "/3/0/20", "/3/0/3", "/3/0/19", "/5/0/3", "/5/0/5"}
    for path in paths:
        device.wait_observed(path)
    places = [world.admin.retrieve(f"{node}/{name}/watch").content["ri"] for name in ("battery", "deviceInfo", "firmware")]
    sizes = {}
    for turn in range(20):
        old_token, old_location = device.observations["/3/0/9"]["token"], device.location
        device.silent = True
        if turn % 2:
            device.move()
        battery(device, 80)
        device.silent = False
        if turn == 7:
            threading.Timer(0.03, lambda: device.register(links)).start()
            device.register(links)
            wait_for("the second registration", lambda: device.answers.empty(), 5)
        else:
            device.register(links)
        for path in paths:
            device.wait_observed(path)
        wait_for("all observations", lambda: world.underneath.observed(device.endpoint) == paths, 10)
        wait_for("80 again", lambda: world.admin.retrieve(node + "/battery").content["btl"] == 80, 5)
        while not device.resets.empty():
            device.resets.get()
        drain(monitor)
        stale = device.notify("/3/0/9", b"1", token=old_token, sequence=9)
        assert device.resets.get(timeout=5).message_id == stale.message_id
        device.notify("/3/0/9", b"60")
        assert 1 not in until(monitor, 60)
        if turn != 7:
            device.location, new_location = old_location, device.location
            device.update(expect="4.04")
            device.location = new_location
        if turn in (9, 19):
            sizes[turn] = [memory_of(world.stack.services[name]) for name in ("connector", "synchronizer", "translation")]
    assert [world.admin.retrieve(f"{node}/{name}/watch").content["ri"] for name in ("battery", "deviceInfo", "firmware")] == places
    for before, after in zip(sizes[9], sizes[19]):
        assert after - before < 4096, sizes


# -- empty acknowledgements and silence --------------------------------------------------------------------------------
OTHERS = ("deviceInfo#man", "deviceInfo#fwv", "deviceInfo", "memory")


@pytest.fixture
def odd(world):
    """A device whose answer to a read of its battery is up to the test; everything else it answers at once."""
    device = world.device(world.name("odd"))
    device.content("/3/0/3", b"1.0", 0)
    device.content("/3/0/10", b"100", 0)
    device.register()
    node = world.objects(device.endpoint, ["battery", "deviceInfo", "memory"])
    assert world.admin.retrieve(node + "/battery").rsc == 2000
    yield device, node
    device.handler = None


def others_are_answered(world, node):
    """Four reads of other resources, and one with a long time, go out and come back at once."""
    for name in OTHERS:
        answer = world.admin.retrieve(f"{node}/{name}", rqet="5000")
        assert answer.rsc == 2000 and answer.seconds < 2, (name, answer)
    assert world.admin.retrieve(node + "/deviceInfo#man", rqet="60000").rsc == 2000


def first_battery_read(action):
    """A handler that leaves the first read of /3/0/9 to `action`."""
    taken = []

    def handle(device, request):
        if request.code == GET and request.path == "/3/0/9" and (not taken or taken[0] == request.message_id):
            taken.append(request.message_id)
            action(device, request)
            return True
        return False
    return handle


def background(call):
    """Runs a call in a thread; returns the thread and where its result will be."""
    result = []
    thread = threading.Thread(target=lambda: result.append(call()))
    thread.start()
    return thread, result


def test_empty_acknowledgement_and_a_late_response(world, odd, healthy):
    device, node = odd
    asked = threading.Event()
    kept = []

    def acknowledge(one, request):
        one.send(Message(ACK, 0, request.message_id))
        kept.append(request)
        asked.set()
    device.handler = first_battery_read(acknowledge)
    with Latency(world, healthy) as latency:
        thread, result = background(lambda: world.admin.retrieve(node + "/battery#btl", rqet="20000"))
        assert asked.wait(5)
        others_are_answered(world, node)
        time.sleep(3)  # longer than the retransmissions of anything that were still under way
        late = Message(CON, code("2.05"), device.next_id(), kept[0].token, [(CONTENT_FORMAT, b"")], b"42")
        device.send(late)
        device.send(late)  # its acknowledgement was lost: the response comes twice
        thread.join()
    assert result[0].rsc == 2000 and result[0].content == {"btl": 42}, result
    assert len(kept) == 1
    assert max(latency.seconds) < 1 and set(latency.codes) == {2000}


def test_empty_acknowledgement_and_never_a_response(world, odd, healthy):
    device, node = odd
    device.handler = first_battery_read(lambda one, request: one.send(Message(ACK, 0, request.message_id)))
    with Latency(world, healthy) as latency:
        thread, result = background(lambda: world.admin.retrieve(node + "/battery#btl", rqet="3000"))
        device.wait_request(lambda r: r.path == "/3/0/9")
        others_are_answered(world, node)
        thread.join()
    assert result[0].rsc in (6003, 6030) and 2.5 < result[0].seconds < 5, result
    assert max(latency.seconds) < 1
    assert world.admin.retrieve(node + "/battery#btl").rsc == 2000


def test_no_acknowledgement_at_all(world, odd, healthy):
    device, node = odd
    device.silent = True
    with Latency(world, healthy) as latency:
        calls = [background(lambda n=n: world.admin.retrieve(f"{node}/{n}", rqet="3000")) for n in OTHERS + ("battery",)]
        for thread, _ in calls:
            thread.join()
    for _, result in calls:
        assert result[0].rsc in (6003, 6030) and 2.5 < result[0].seconds < 5, result
    assert max(latency.seconds) < 1
    device.silent = False
    device.update()
    wait_for("the device to be asked again", lambda: world.admin.retrieve(node + "/battery", rqet="3000").rsc == 2000, 15)


def test_response_before_its_acknowledgement(world, odd):
    device, node = odd

    def reverse(one, request):
        one.send(Message(CON, code("2.05"), one.next_id(), request.token, [(CONTENT_FORMAT, b"")], b"43"))
        one.send(Message(ACK, 0, request.message_id))
    device.handler = first_battery_read(reverse)
    answer = world.admin.retrieve(node + "/battery#btl")
    assert answer.rsc == 2000 and answer.content == {"btl": 43}, answer
    others_are_answered(world, node)


# -- requests before the device knows that it is registered ------------------------------------------------------------
@pytest.mark.parametrize("reset", [True, False], ids=["resets early requests", "loses early requests"])
def test_device_that_is_not_ready_yet(world, monitor, reset):
    device = world.device(world.name("early"))
    early = []

    def refuse(one, request):
        if len(early) < 2:
            early.append(request.path)
            if reset:
                one.send(Message(RST, 0, request.message_id))
            return True
        return False
    device.handler = refuse
    device.register()
    address = world.objects(device.endpoint, ["battery"]) + "/battery"
    assert monitor.create(address, 23, {"m2m:sub": {"rn": "watch", "nu": ["Cmon"]}}).rsc == 2001
    device.wait_observed("/3/0/9", 30)
    node = address.rsplit("/", 1)[0]
    wait_for("the first values", lambda: any(one.get("btl") == 80 for one in world.admin.retrieve(
        node, rcn=8).content["m2m:bat"]), 30)
    assert len(early) == 2


# -- a notification bigger than a datagram -----------------------------------------------------------------------------
class BigVersion:
    """A device whose firmware version (/3/0/3, observed) takes several blocks."""

    def __init__(self, world, monitor):
        self.world = world
        self.device = world.device(world.name("big"))
        self.device.content("/3/0/3", b"small", 0)
        self.device.content("/3/0", b"\xc4\x00Acme\xc5\x03small\xc1\x13\x31\xc1\x09\x50\xc1\x14\x00", TLV)
        self.device.content("/3/0/19", b"1", 0)
        self.device.register()
        self.info = world.objects(self.device.endpoint, ["deviceInfo"]) + "/deviceInfo"
        assert monitor.create(self.info, 23, {"m2m:sub": {"rn": "watch", "nu": ["Cmon"]}}).rsc == 2001
        self.device.wait_observed("/3/0/3")
        node = self.info.rsplit("/", 1)[0]
        self.kept = lambda: world.admin.retrieve(node, rcn=8).content["m2m:dvi"][0].get("fwv")
        wait_for("the first value", lambda: self.kept() == "small", 10)
        drain(monitor)
        self.text, self.etag, self.follow_ups = "", b"1", []
        self.device.handler = self.serve

    def block(self, number, observe=None, etag=None):
        """Options and payload of a block of the text."""
        size = 1024
        part = self.text.encode()[number * size:(number + 1) * size]
        more = (number + 1) * size < len(self.text)
        options = [(ETAG, etag or self.etag), (CONTENT_FORMAT, b""), (BLOCK2, uint(number << 4 | more << 3 | 6))]
        return options + ([(OBSERVE, uint(observe))] if observe is not None else []), part

    def notify(self, text, etag=b"1"):
        """A notification with the first block."""
        self.text, self.etag = text, etag
        known = self.device.observations["/3/0/3"]
        known["sequence"] += 1
        options, part = self.block(0, observe=known["sequence"])
        self.device.send(Message(CON, code("2.05"), self.device.next_id(), known["token"], options, part))

    def answer_block(self, request, number):
        """Answers a request for a block with any block."""
        options, part = self.block(number)
        self.device.answer(request, code("2.05"), part, options)

    def block_of(self, request):
        """Which block is asked for."""
        wanted = request.number(BLOCK2)
        return (wanted or 0) >> 4

    def serve(self, device, request):
        """Reads of the version are answered in blocks."""
        if request.code != GET or request.path != "/3/0/3":
            return False
        if request.number(OBSERVE) is not None:
            return False
        self.follow_ups.append(request)
        if not self.odd(request):
            self.answer_block(request, self.block_of(request))
        return True

    def odd(self, request):  # pylint: disable=unused-argument
        """What a test does instead; True when it has answered or means not to."""
        return False


def versions(monitor, wanted, seconds=20):
    """Versions that were notified, until `wanted`; without the one of before the test."""
    seen = []
    while wanted not in seen:
        _, primitive = monitor.next_notification(seconds)
        version = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:dvi"].get("fwv")
        if seen or version != "small":
            seen.append(version)
    return seen


def test_big_i_notification_in_three_blocks(world, monitor):
    one = BigVersion(world, monitor)
    text = "".join(f"{i:04}," for i in range(500))
    one.notify(text)
    assert versions(monitor, text) == [text]
    assert [one.block_of(r) for r in one.follow_ups] == [1, 2]
    assert all(r.token != one.device.observations["/3/0/3"]["token"] and r.number(OBSERVE) is None for r in one.follow_ups)
    drain(monitor)
    text = "x" * 2500
    one.notify(text, b"2")
    assert versions(monitor, text) == [text]
    assert [one.block_of(r) for r in one.follow_ups] == [1, 2, 1, 2]


@pytest.mark.parametrize("fault", ["always block 0", "silence at the last block"])
def test_big_ii_iii_never_a_part_of_a_value(world, monitor, fault):
    one = BigVersion(world, monitor)

    def odd(request):
        if fault == "always block 0":
            one.answer_block(request, 0)
            return True
        return one.block_of(request) == 2
    one.odd = odd
    text = "y" * 2500
    one.notify(text)
    wait_for("a follow-up", lambda: one.follow_ups, 10)
    if fault != "always block 0":
        wait_for("the last block to be asked for", lambda: any(one.block_of(r) == 2 for r in one.follow_ups), 10)
    assert one.kept() == "small"
    assert len(one.follow_ups) < 10, "bounded tries"
    one.odd = lambda request: False
    newer = "z" * 2500
    one.notify(newer, b"2")
    assert set(versions(monitor, newer)) <= {text, newer}
    assert one.kept() == newer


def test_big_iv_another_etag_from_block_1_on(world, monitor):
    one = BigVersion(world, monitor)
    old, new = "o" * 2500, "n" * 2500

    def odd(request):
        one.text, one.etag = new, b"2"
        return False
    one.odd = odd
    one.notify(old)
    wait_for("a follow-up", lambda: one.follow_ups, 10)
    assert world.admin.retrieve(one.info.replace("deviceInfo", "battery#btl")).rsc == 2000
    assert one.kept() in ("small", new)
    one.odd = lambda request: False
    one.notify(new, b"2")
    seen = versions(monitor, new)
    assert set(seen) <= {old, new} and one.kept() == new, [s[:10] for s in seen]


def test_big_v_a_newer_one_comes_in_between(world, monitor):
    one = BigVersion(world, monitor)
    old, new = "p" * 2500, "q" * 2500
    interrupted = []

    def odd(request):
        if not interrupted:
            interrupted.append(request)
            one.notify(new, b"2")
            return True
        return False
    one.odd = odd
    one.notify(old)
    seen = versions(monitor, new)
    assert seen == [new], [s[:10] for s in seen]
    assert one.kept() == new


# -- lifetimes ---------------------------------------------------------------------------------------------------------
def test_update_within_the_grace_is_taken_and_after_it_is_4_04(world):
    device = world.device(world.name("late"), lifetime=1)
    device.register()
    node = world.objects(device.endpoint, ["battery"])
    begin = time.monotonic()
    wait_for("more than the lifetime", lambda: time.monotonic() - begin > 2, 5)
    device.update()
    assert "mgca" in world.admin.retrieve(node).content
    assert world.underneath.device(device.endpoint) is not None
    wait_for("the loss", lambda: world.underneath.device(device.endpoint) is None, 15)
    wait_for("the loss in oneM2M", lambda: "mgca" not in world.admin.retrieve(node).content, 5)
    device.update(expect="4.04")
    try:
        assert world.admin.retrieve(node + "/battery").rsc == 6003
    except NoAnswer:
        pytest.fail("a lost device must be said")


@pytest.mark.parametrize("lifetime", ["0", "4294967295", "99999999999999999999"])
def test_lifetimes_at_the_edges_make_no_noise(world, lifetime):
    device = world.device(world.name("edge"))
    answer = device.ask(2, "/rd", [f"ep={device.endpoint}", f"lt={lifetime}", "lwm2m=1.1"], b"</1/0>,</3/0>", 40)
    if answer.code == code("2.01") and lifetime != "0":
        assert world.underneath.device(device.endpoint).device.lifetime_seconds > 10 ** 9
        assert world.admin.retrieve(world.objects(device.endpoint, ["battery"]) + "/battery").rsc == 2000
    else:
        assert answer.code == code("4.00") and answer.payload, answer.payload
