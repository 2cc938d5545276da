"""Applications that speak CBOR or XML, through the real broker to a device: the answer and the notification come as they do."""

import pytest

from isthmus.application import NoAnswer
from isthmus.serialization import SERIALIZATIONS
from isthmus.stack import wait_for


@pytest.fixture(scope="module")
def device(world):
    """A registered device."""
    device = world.device("serial")
    device.register()
    world.objects("serial", ["battery", "deviceInfo", "reboot"])
    return device


@pytest.fixture(scope="module")
def battery(world, device):
    """Address of its battery."""
    return world.node("serial") + "/battery"


@pytest.fixture(scope="module", params=["cbor", "xml"])
def ae(world, request):
    """A registered application that speaks nothing but this."""
    return world.ae("C" + request.param, serialization=request.param)


def test_the_registration_is_answered_in_kind(world, ae):
    answer = ae.retrieve(f"cse-in/{ae.originator}")
    assert answer.rsc == 2000 and answer.content["aei"] == ae.originator, answer
    same = world.admin.retrieve(f"cse-in/{ae.originator}")
    assert same.content == answer.content


def test_reads_the_device(ae, device, battery):
    device.content("/3/0", b"\xc1\x09\x4d\xc1\x14\x05", 11542)
    answer = ae.retrieve(battery)
    assert (answer.rsc, answer.content["btl"], answer.content["bts"]) == (2000, 77, 6), answer


def test_says_what_json_says(world, ae, device, battery):
    for path in (battery, battery.replace("battery", "deviceInfo"), world.node("serial"), "cse-in"):
        mine, theirs = ae.retrieve(path).content, world.admin.retrieve(path).content
        for one in (mine, theirs):
            one.pop("lt", None), one.pop("ctm", None)
        assert mine == theirs


def test_writes_and_executes(ae, device, battery):
    before = len(device.requests)
    answer = ae.update(battery.replace("battery", "reboot"), {"m2m:rbo": {"rbo": True}})
    assert answer.rsc == 2004 and answer.content["rbo"] is False, answer
    assert [(r.code, r.path) for r in device.requests[before:]] == [(2, "/3/0/4")]


def test_discovers(ae, device):
    answer = ae.retrieve("cse-in", fc={"fu": 1, "ty": [13, 14], "lbl": ["Iwked-Entity-ID:serial"]})
    assert answer.rsc == 2000 and len(answer.content) >= 1, answer


def test_refusals_come_in_kind(ae, device, battery):
    assert ae.retrieve("cse-in/nothing").rsc == 4004
    answer = ae.update(battery, {"m2m:bat": {"btl": "high"}})
    assert answer.rsc == 4000 and "btl" in answer.debug, answer
    answer = ae.update(battery, {"m2m:bat": {"x": 1}, "m2m:dvi": {}})
    assert answer.rsc == 4000 and "pc" in answer.debug, answer


def test_what_is_no_primitive_is_answered_with_its_identifier(ae):
    whole = SERIALIZATIONS[ae.serialization][0](ae.primitive(2, "cse-in", rqi="cut"))
    answer = ae.send_raw(whole[:-1])
    assert answer.rsc == 4000 and answer.primitive["rqi"] == "cut" and answer.debug, answer
    for payload in (b"", b"{}", b'{"op":2}', b"\xff\x00", b"\x9f" * 1000, b"<m2m:rqp>", b"<rqp/>"):
        answer = ae.send_raw(payload)
        assert answer.rsc == 4000 and answer.debug, answer


def test_a_serialisation_that_nobody_knows_is_not_answered(world):
    with pytest.raises(NoAnswer):
        world.admin.send(world.admin.primitive(2, "cse-in"), seconds=1, topic="/oneM2M/req/CAdmin/id-in/yaml")


def test_notifications_come_as_the_application_lists(world, ae, device, battery):
    # Nothing listed: JSON, which is what the topic says too.
    answer = ae.create(battery, 23, {"m2m:sub": {"rn": f"sub-{ae.serialization}", "nu": [ae.originator]}})
    assert answer.rsc == 2001, answer

    device.wait_observed("/3/0/9")

    def next_topic(level):
        device.notify("/3/0/9", str(level).encode())
        topic, primitive = "", {}
        while primitive.get("pc", {}).get("m2m:sgn", {}).get("nev", {}).get("rep", {}).get("m2m:bat", {}).get("btl") != level:
            topic, primitive = ae.next_notification()
        assert primitive["to"] == ae.originator
        return topic
    assert next_topic(31) == f"/oneM2M/req/id-in/{ae.originator}/json"
    listed = ae.update(f"cse-in/{ae.originator}", {"m2m:ae": {"csz": [f"application/{ae.serialization}"]}})
    assert listed.rsc == 2004, listed
    assert next_topic(32) == f"/oneM2M/req/id-in/{ae.originator}/{ae.serialization}"
    # A verification is asked and answered in it as well.
    answer = world.admin.create(battery, 23, {"m2m:sub": {"rn": f"for-{ae.serialization}", "nu": [ae.originator]}})
    assert answer.rsc == 2001, answer
    topic, primitive = ae.next_notification()
    assert topic.endswith("/" + ae.serialization) and primitive["pc"]["m2m:sgn"]["vrq"] is True


def test_xml_never_expands_entities(world):
    ae = world.application("Centities", serialization="xml")
    for bad in (b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>',
                b'<!DOCTYPE r SYSTEM "file:///etc/hostname"><r/>', b"<r>&a;</r>"):
        answer = ae.send_raw(bad)
        assert answer.rsc == 4000 and "XML" in answer.debug, answer


def test_attributes_of_vendor_objects_keep_their_types(world, ae):
    """A self-defined <mgmtObj>: what no schema tells is the same in every serialisation."""
    name = f"vendor-{ae.serialization}"
    node = f"cse-in/{name}-node"
    assert world.admin.create("cse-in", 14, {"m2m:nod": {"rn": f"{name}-node", "ni": name}}).rsc == 2001
    assert world.admin.update(node, {"m2m:nod": {"acpi": ["cse-in/devicesAcp"]}}).rsc == 2004
    content = {"rn": name, "mgd": 0, "mgs": "urn:acme", "count": 21, "on": True, "text": "a b", "level": -5}
    answer = ae.create(node, 13, {"m2m:acmeThing": content})
    assert answer.rsc == 2001, answer
    for application in (world.admin, ae):
        read = application.retrieve(f"{node}/{name}").content
        assert {k: read[k] for k in content} == content, read
