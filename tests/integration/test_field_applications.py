"""Requests and subscriptions as applications really make them: odd shapes, wrong receivers, retained messages."""

import json
import queue
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from isthmus.application import NoAnswer
from isthmus.stack import wait_for

# A short memory of what has been answered, so that a test can outlive it.
STACK_OPTIONS = {"mqtt_binding": {"duplicates.window": "2s", "request.timeout": "2s"}, "synchronizer": {"notification.timeout": "1s"}}


@pytest.fixture(scope="module")
def device(world):
    """A registered device."""
    device = world.device("shapes")
    device.content("/3/0/13", b"1701172800", 0)
    device.register()
    world.objects("shapes", ["battery", "deviceInfo", "reboot"])
    device.wait_request(lambda r: r.path == "/3/0")  # the first values: from now on it is asked only for a reason
    return device


@pytest.fixture(scope="module")
def node(world, device):
    """Address of its node."""
    return world.node("shapes")


@pytest.fixture(scope="module")
def shape(world):
    """The application of the requests."""
    return world.ae("Cshape")


class Ear:
    """Hears everything on the broker: (topic, payload, retained)."""

    def __init__(self, world, topics=("#",)):
        self.heard, self._ready = queue.Queue(), threading.Event()
        self._client = mqtt.Client("ear-" + world.name("ear"))
        self._client.on_message = lambda c, u, m: self.heard.put((m.topic, m.payload, m.retain))
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_connect = lambda *_: self._client.subscribe([(topic, 1) for topic in topics])
        self._client.connect(world.stack.mqtt_host, world.stack.mqtt_port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def publish(self, topic, payload, retain=False):
        """Publishes and waits until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def all(self):
        """What has been heard so far."""
        heard = []
        while not self.heard.empty():
            heard.append(self.heard.get())
        return heard

    def close(self):
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def ear(world):
    """One for the test."""
    ear = Ear(world)
    yield ear
    ear.close()


SHAPES = {
    "wrapped": ('{"m2m:rqp":{"op":2,"fr":"Cshape","to":"%s/battery","rqi":"w1","rvi":"4"}}', 4000, "w1"),
    "numeric rqi": ('{"op":2,"fr":"Cshape","to":"%s/battery","rqi":123456,"rvi":"4"}', 4000, None),
    "numeric rvi": ('{"op":2,"fr":"Cshape","to":"%s/battery","rqi":"w2","rvi":4}', (2000, 4000), "w2"),
    "text for op": ('{"op":"2","fr":"Cshape","to":"%s/battery","rqi":"w3","rvi":"4"}', (2000, 4000), "w3"),
    "slash at the end": ('{"op":2,"fr":"Cshape","to":"/id-in/%s/battery/","rqi":"w4","rvi":"4"}', 4000, "w4"),
    "foreign originator": ('{"op":2,"fr":"999","to":"%s/battery","rqi":"w5","rvi":"4"}', (4000, 4103, 4106), "w5"),
    "content as text": ('{"op":3,"fr":"Cshape","to":"%s/battery","rqi":"w6","rvi":"4",'
                        '"pc":"{\\"m2m:bat\\":{\\"btl\\":5}}"}', 4000, "w6"),
    "trailing text": ('{"op":2,"fr":"Cshape","to":"%s/battery","rqi":"w7","rvi":"4"} and more', 4000, None),
    "SP-relative": ('{"op":2,"fr":"Cshape","to":"/id-in/%s/battery","rqi":"w8","rvi":"4"}', 2000, "w8"),
    "absolute": ('{"op":2,"fr":"Cshape","to":"//isthmus.example.com/id-in/%s/battery","rqi":"w9","rvi":"4"}', 2000, "w9"),
    "blanks": (' \r\n\t{ "op" : 2 , "fr" : "Cshape" , "to" : "%s/battery" , "rqi" : "w10" , "rvi" : "4" } \n', 2000, "w10"),
    "no rvi": ('{"op":2,"fr":"Cshape","to":"%s/battery","rqi":"w11"}', (2000, 4000, 4001), "w11"),
    "unknown member": ('{"op":2,"fr":"Cshape","to":"%s/battery","rqi":"w12","rvi":"4","colour":"red"}', (2000, 4000), "w12"),
    "no rqi": ('{"op":2,"fr":"Cshape","to":"%s/battery","rvi":"4"}', 4000, None),
}


@pytest.mark.parametrize("name", SHAPES)
def test_odd_shapes_are_answered_with_a_reason_on_their_own_topic(world, device, node, shape, ear, name):
    text, codes, rqi = SHAPES[name]
    before = len(device.requests)
    ear.publish("/oneM2M/req/Cshape/id-in/json", text % node)

    def look():
        return [json.loads(payload) for topic, payload, _ in ear.all() if topic == "/oneM2M/resp/Cshape/id-in/json"]
    (answer,) = wait_for("an answer", look, 10)
    codes = codes if isinstance(codes, tuple) else (codes,)
    assert answer["rsc"] in codes, answer
    if rqi is not None:
        assert answer["rqi"] == rqi, answer
    if answer["rsc"] != 2000:
        assert answer["pc"]["m2m:dbg"] and len(device.requests) == before, answer
    assert shape.retrieve("cse-in").rsc == 2000


def test_byte_order_mark_in_front(node, shape, ear):
    ear.publish("/oneM2M/req/Cshape/id-in/json", b"\xef\xbb\xbf" + json.dumps(shape.primitive(2, node + "/battery")).encode())
    payloads = wait_for("an answer", lambda: [p for t, p, _ in ear.all() if t == "/oneM2M/resp/Cshape/id-in/json"], 10)
    assert json.loads(payloads[0])["rsc"] in (2000, 4000), payloads


@pytest.mark.parametrize("topic", [
    "/oneM2M/req/:id-x:Cshape/:id-in/json", "/oneM2M/req/Cshape/:id-in/json", "oneM2M/req/Cshape/id-in/json",
    "/oneM2M/req/Cshape/id-in/JSON", "/oneM2M/req/Cshape/id-other/json", "/oneM2M/resp/Cshape/id-in/json",
    "/oneM2M/req//id-in/json", "/onem2m/req/Cshape/id-in/json"])
def test_stray_topics_are_silence(world, device, node, shape, ear, topic):
    before = len(device.requests)
    request = shape.primitive(3, node + "/reboot", {"m2m:rbo": {"rbo": True}})
    ear.publish(topic, json.dumps(request))
    assert shape.retrieve("cse-in").rsc == 2000  # what stands behind it has been answered: it has been handled
    answers = [(t, p) for t, p, _ in ear.all() if t != topic and json.loads(p).get("rqi") == request["rqi"]]
    assert answers == [] or all(json.loads(p)["rsc"] != 2004 for _, p in answers), answers
    assert len(device.requests) == before, "never executed"


def test_topic_without_a_serialisation_is_mirrored_too(node, shape, ear):
    ear.publish("/oneM2M/req/Cshape/id-in", json.dumps(shape.primitive(2, node + "/battery")))
    payloads = wait_for("an answer", lambda: [p for t, p, _ in ear.all() if t == "/oneM2M/resp/Cshape/id-in"], 10)
    assert json.loads(payloads[0])["rsc"] == 2000, payloads


# -- receivers of notifications ----------------------------------------------------------------------------------------
def info(node):
    """Address of the device information."""
    return node + "/deviceInfo"


@pytest.fixture(scope="module")
def monitor(world):
    """An application that is notified."""
    return world.ae("Cmon")


@pytest.mark.parametrize("form", ["Cmon", "cse-in/Cmon", "/id-in/Cmon", "ri", "//isthmus.example.com/id-in/Cmon"])
def test_every_form_of_a_receiver_reaches_it_once_for_each_change(world, device, node, monitor, form):
    target = world.admin.retrieve("cse-in/Cmon").content["ri"] if form == "ri" else form
    name = world.name("receiver")
    answer = monitor.create(node + "/battery", 23, {"m2m:sub": {"rn": name, "nu": [target, "Cmon"]}})
    assert answer.rsc == 2001, answer
    subscription = answer.content["ri"]
    device.wait_observed("/3/0/9")
    world.admin.retrieve(node + "/battery")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    for level in range(1, 51):
        device.notify("/3/0/9", str(level).encode())
    seen = []
    while not seen or seen[-1] != 50:
        topic, primitive = monitor.next_notification()
        assert topic == "/oneM2M/req/id-in/Cmon/json", topic
        assert (primitive["to"], primitive["fr"]) == ("Cmon", "/id-in"), primitive
        assert primitive["pc"]["m2m:sgn"]["sur"] == "/id-in/" + subscription, primitive
        level = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"]
        if seen or level != 80:  # 80 is of before
            seen.append(level)
    assert seen == list(range(1, 51)), "each once and in order"
    assert world.admin.delete(f"{node}/battery/{name}").rsc == 2002
    assert world.admin.retrieve(node + "/battery").content["btl"] == 80


def test_update_is_as_fast_with_a_dead_receiver(world, device, node):
    never = world.ae("Cnever")
    assert world.admin.create(info(node), 23, {"m2m:sub": {"rn": "dead", "nu": ["Cnever"]}}).rsc == 2001
    never.close()
    seconds = []
    for turn in range(20):
        device.content("/3/0/13", str(1701172800 + turn).encode(), 0)
        answer = world.admin.update(info(node), {"m2m:dvi": {"syst": f"20231128T1200{turn:02}"}})
        assert answer.rsc == 2004, answer
        seconds.append(answer.seconds)
    assert max(seconds) < 1, seconds
    assert world.admin.delete(info(node) + "/dead").rsc == 2002


def test_receiver_that_is_deleted_while_a_notification_to_it_is_under_way(world, device, node, monitor):
    gone = world.ae("Cgone", answer_notifications=False)
    name = world.name("gone")
    # The subscription is the administrator's: it outlives the application that it notifies.
    created = []
    thread = threading.Thread(target=lambda: created.append(world.admin.create(
        node + "/battery", 23, {"m2m:sub": {"rn": name, "nu": ["Cgone", "Cmon"]}})))
    thread.start()
    _, verification = gone.next_notification()
    gone.publish(json.dumps({"rsc": 2000, "rqi": verification["rqi"], "rvi": "4"}), topic="/oneM2M/resp/id-in/Cgone/json")
    thread.join()
    assert created[0].rsc == 2001, created
    device.wait_observed("/3/0/9")
    world.admin.retrieve(node + "/battery")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/3/0/9", b"31")
    while gone.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"] != 31:
        pass  # it has it, and does not answer
    assert world.admin.delete("cse-in/Cgone").rsc == 2002
    device.notify("/3/0/9", b"32")
    seen = []
    while 32 not in seen:
        level = monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"]
        if seen or level != 80:  # 80 is of before
            seen.append(level)
    assert seen == [31, 32]
    assert world.admin.retrieve("cse-in").seconds < 1
    assert world.admin.delete(f"{node}/battery/{name}").rsc == 2002


# -- retained messages -------------------------------------------------------------------------------------------------
def test_retained_request_is_executed_once_at_most_however_often_the_service_starts(world, device, node, ear):
    request = dict(world.admin.primitive(3, node + "/reboot", {"m2m:rbo": {"rbo": True}}))
    topic, stray = "/oneM2M/req/CAdmin/id-in/json", "/oneM2M/resp/id-in/Cmon/json"
    before = len(device.requests)
    try:
        ear.publish(stray, json.dumps({"rsc": 2000, "rqi": "nobody-asked", "rvi": "4"}), retain=True)
        for turn in range(4):
            world.stack.services["mqtt_binding"].terminate()
            if turn == 0:
                # Published while we are away: the broker queues it for our session as a message of now, once.
                ear.publish(topic, json.dumps(request), retain=True)
            world.stack.start_service("mqtt_binding")
            assert world.admin.retrieve(node + "/battery").rsc == 2000
            if turn == 2:
                begin = time.monotonic()
                wait_for("the end of the duplicate window", lambda: time.monotonic() - begin > 2.3, 5)
        assert "retain" in world.stack.services["mqtt_binding"].output().lower(), "a warning in the log"
        answers = [p for t, p, _ in ear.all() if t == "/oneM2M/resp/CAdmin/id-in/json" and json.loads(p)["rqi"] == request["rqi"]]
        executed = sum(1 for r in device.requests[before:] if r.path == "/3/0/4")
        assert executed <= 1 and len(answers) == executed
    finally:
        for place in (topic, stray):
            ear.publish(place, b"", retain=True)


def test_nothing_of_ours_is_retained(world, device, node, monitor):
    assert world.admin.retrieve(node + "/battery").rsc == 2000
    fresh = Ear(world, ("/oneM2M/resp/#", "/oneM2M/reg_resp/#", "/oneM2M/req/id-in/#"))
    assert world.admin.retrieve("cse-in").rsc == 2000  # its answer stands behind whatever was retained
    wait_for("that answer", lambda: not fresh.heard.empty(), 5)
    assert [one for one in fresh.all() if one[2]] == []
    fresh.close()


def test_answer_to_nobody_is_no_answer_to_somebody(world, node, monitor):
    with pytest.raises(NoAnswer):
        monitor.next_notification(0.2)
    monitor.publish(json.dumps({"rsc": 2000, "rqi": "nobody-asked", "rvi": "4"}), topic="/oneM2M/resp/Cmon/id-in/json")
    monitor.publish(json.dumps({"rsc": 2000, "rqi": 7}), topic="/oneM2M/resp/id-in/Cmon/json")
    monitor.publish(b"no json", topic="/oneM2M/resp/id-in/Cmon/json")
    assert monitor.retrieve(node + "/battery").rsc == 2000
