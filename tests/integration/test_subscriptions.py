"""Subscriptions: from <subscription> to Observe on the device, and from its notifications to MQTT."""

import pytest

from isthmus.stack import wait_for


@pytest.fixture(scope="module")
def monitor(world):
    """An application that is notified."""
    return world.ae("Cmon")


def watched(world, monitor, name, **subscription):
    """A registered device whose battery is subscribed to and observed; returns device and battery address."""
    device = world.device(world.name(name))
    device.register()
    battery = world.objects(device.endpoint, ["battery"]) + "/battery"
    # The copy holds the first value now: what is notified later is a change.
    assert world.admin.retrieve(battery).content["btl"] == 80
    content = {"rn": "watch", "nu": ["Cmon"], "enc": {"net": [1]}, "nct": 1}
    content.update(subscription)
    answer = monitor.create(battery, 23, {"m2m:sub": content})
    assert answer.rsc == 2001, answer
    device.wait_observed("/3/0/9")
    drain(monitor)
    return device, battery


def drain(application):
    """Forgets what has come so far."""
    while not application.notifications.empty():
        application.notifications.get()


def levels(monitor, wanted, seconds=10):
    """Battery levels that were notified, until `wanted` has come."""
    seen = []
    while wanted not in seen:
        topic, primitive = monitor.next_notification(seconds)
        event = primitive["pc"]["m2m:sgn"]["nev"]
        seen.append(event["rep"]["m2m:bat"].get("btl"))
    return seen


def test_each_change_is_notified_once_to_the_right_place(world, monitor):
    device, battery = watched(world, monitor, "watched")
    subscription = world.admin.retrieve(battery + "/watch").content
    for level in range(70, 50, -1):
        device.notify("/3/0/9", str(level).encode())
        topic, primitive = monitor.next_notification()
        assert topic == "/oneM2M/req/id-in/Cmon/json"
        assert primitive["fr"] == "/id-in" and primitive["to"] == "Cmon" and primitive["op"] == 5
        notification = primitive["pc"]["m2m:sgn"]
        assert notification["sur"] == "/id-in/" + subscription["ri"]
        assert notification["nev"]["rep"]["m2m:bat"]["btl"] == level
        assert notification["nev"].get("net", 1) == 1
    assert monitor.notifications.empty()


@pytest.mark.parametrize("nct,check", [
    (1, lambda rep: rep["m2m:bat"]["btl"] == 33 and "mgd" in rep["m2m:bat"]),
    (2, lambda rep: rep["m2m:bat"]["btl"] == 33 and "mgd" not in rep["m2m:bat"]),
    (3, lambda rep: isinstance(rep["m2m:uri"], str))])
def test_notification_content_types(world, monitor, nct, check):
    device, _ = watched(world, monitor, "content", nct=nct)
    device.notify("/3/0/9", b"33")
    _, primitive = monitor.next_notification()
    assert check(primitive["pc"]["m2m:sgn"]["nev"]["rep"]), primitive


@pytest.mark.parametrize("target", ["Cmon", "cse-in/Cmon", "/id-in/Cmon"])
def test_forms_of_the_notification_target(world, monitor, target):
    device, _ = watched(world, monitor, "target", nu=[target])
    device.notify("/3/0/9", b"44")
    topic, _ = monitor.next_notification()
    assert topic == "/oneM2M/req/id-in/Cmon/json"


def test_same_target_twice_is_notified_once(world, monitor):
    device, _ = watched(world, monitor, "twice", nu=["Cmon", "cse-in/Cmon"])
    device.notify("/3/0/9", b"43")
    assert levels(monitor, 43) == [43]
    device.notify("/3/0/9", b"42")
    assert levels(monitor, 42) == [42]


def test_url_target_gets_its_topic(world, monitor):
    heard = []
    monitor._client.message_callback_add("noti/x", lambda c, u, m: heard.append(m.payload))
    monitor._client.subscribe("noti/x", 1)
    device, _ = watched(world, monitor, "url", nu=[f"mqtt://127.0.0.1:{world.stack.mqtt_port}/noti/x"])
    device.notify("/3/0/9", b"41")
    wait_for("the notification on its topic", lambda: heard, 10)


def test_dead_target_holds_up_nobody(world, monitor):
    never = world.application("Cnever", answer_notifications=False)
    assert never.register().rsc in (2001, 4117)
    device, battery = watched(world, monitor, "dead")
    never.close()
    assert world.admin.create(battery, 23, {"m2m:sub": {"rn": "dead", "nu": ["Cnever"]}}).rsc in (2001, 5204)
    for level in (31, 32, 33):
        device.notify("/3/0/9", str(level).encode())
        assert levels(monitor, level)[-1] == level
    assert world.admin.retrieve("cse-in").seconds < 1


def test_last_subscription_gone_means_the_observation_is_cancelled(world, monitor):
    device, battery = watched(world, monitor, "cancel")
    assert world.admin.delete(battery + "/watch").rsc == 2002
    wait_for("the observation to be cancelled", lambda: not world.underneath.observed(device.endpoint), 10)


def test_notified_values_that_cannot_be_read_change_nothing(world, monitor):
    device, battery = watched(world, monitor, "garbled")
    device.notify("/3/0/9", b"0.-5")
    device.notify("/3/0/9", b"\xc8\x09\xff", 11542)
    device.notify("/3/0/9", b"x", 65000)
    device.notify("/3/0/9", b"77", None)  # without Content-Format: read as text
    device.notify("/3/0/9", b"76")
    assert set(levels(monitor, 76)) <= {77, 76}


def test_integral_doubles_and_json_numbers(world, monitor):
    device, _ = watched(world, monitor, "doubles")
    device.notify("/3/0/9", b'[{"n":"/3/0/9","v":8.1e1}]', 110)
    assert levels(monitor, 81) == [81]
    device.notify("/3/0/9", b'[{"n":"/3/0/9","v":80.5}]', 110)
    device.notify("/3/0/9", b'[{"bn":"/3/0/9","bt":1701172800,"v":79},{"t":-60,"v":82}]', 110)
    assert levels(monitor, 79)[-1] == 79


def test_device_that_registers_again_is_observed_again_by_itself(world, monitor):
    device, _ = watched(world, monitor, "again")
    old = device.observations["/3/0/9"]["token"]
    for turn in range(5):
        device.silent = True
        if turn % 2:
            device.move()
        device.silent = False
        device.register()
        device.wait_observed("/3/0/9")
        drain(monitor)
        message = device.notify("/3/0/9", b"1", token=old, sequence=9)
        reset = device.resets.get(timeout=5)
        assert reset.message_id == message.message_id, "an old token is answered with Reset"
        level = 60 + turn
        device.notify("/3/0/9", str(level).encode())
        assert levels(monitor, level)[-1] == level
        old = device.observations["/3/0/9"]["token"]


def test_creation_and_deletion_of_children(world, monitor):
    device = world.device(world.name("children"))
    device.register("</1/0>,</3/0>")
    node = world.objects(device.endpoint, ["battery"])
    assert monitor.create(node, 23, {"m2m:sub": {"rn": "kids", "nu": ["Cmon"], "enc": {"net": [3, 4]}}}).rsc == 2001
    drain(monitor)
    device.update(links=b"</1/0>,</3/0>,</5/0>")
    _, primitive = monitor.next_notification()
    assert primitive["pc"]["m2m:sgn"]["nev"]["net"] == 3 and "m2m:fwr" in primitive["pc"]["m2m:sgn"]["nev"]["rep"]
    device.update(links=b"</1/0>,</3/0>")
    _, primitive = monitor.next_notification()
    assert primitive["pc"]["m2m:sgn"]["nev"]["net"] == 4


def test_deletion_is_notified(world, monitor):
    policy = {"rn": world.name("acp"), "pv": {"acr": [{"acor": ["CAdmin", "Cmon"], "acop": 63}]},
              "pvs": {"acr": [{"acor": ["CAdmin", "Cmon"], "acop": 63}]}}
    assert world.admin.create("cse-in", 1, {"m2m:acp": policy}).rsc == 2001
    place = "cse-in/" + policy["rn"]
    assert monitor.create(place, 23, {"m2m:sub": {"nu": ["Cmon"], "enc": {"net": [2]}}}).rsc == 2001
    drain(monitor)
    assert world.admin.delete(place).rsc == 2002
    _, primitive = monitor.next_notification()
    assert primitive["pc"]["m2m:sgn"]["nev"]["net"] == 2


@pytest.mark.parametrize("content,code", [
    ({"nu": []}, 4000), ({}, 4000), ({"nu": ["Cmon"], "nct": 9}, 4000), ({"nu": ["Cmon"], "enc": {"net": [77]}}, 4000),
    ({"nu": ["Cmon"], "colour": "red"}, 4000), ({"nu": "Cmon"}, 4000)])
def test_bad_subscriptions(world, monitor, content, code):
    answer = world.admin.create("cse-in/devicesAcp", 23, {"m2m:sub": content})
    assert answer.rsc == code and answer.debug, answer
