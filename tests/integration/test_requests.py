"""oneM2M requests as applications send them, good and bad, through the real broker to a device."""

import json

import pytest

from isthmus.application import NoAnswer
from isthmus.stack import wait_for


@pytest.fixture(scope="module")
def device(world):
    """A registered device."""
    device = world.device("requests")
    device.register()
    world.objects("requests", ["battery", "deviceInfo", "reboot"])
    return device


@pytest.fixture(scope="module")
def battery(world, device):
    """Address of its battery."""
    return world.node("requests") + "/battery"


def test_retrieve_reads_the_device_each_time(world, device, battery):
    for level in (80, 12):
        device.content("/3/0", b"\xc1\x09" + bytes([level]) + b"\xc1\x14\x05", 11542)
        answer = world.admin.retrieve(battery)
        assert (answer.rsc, answer.content["btl"], answer.content["bts"]) == (2000, level, 6)


def test_single_attribute_is_read_alone(world, device, battery):
    device.content("/3/0/9", b"55", 0)
    before = len(device.requests)
    answer = world.admin.retrieve(battery + "#btl")
    assert answer.rsc == 2000 and answer.content == {"btl": 55}, answer
    assert [r.path for r in device.requests[before:]] == ["/3/0/9"]


def test_update_is_written_and_read_back(world, device, battery):
    device.content("/3/0/13", b"1701172800", 0)
    written = {}

    def take(_, request):
        if request.code == 3 and request.path == "/3/0/13":
            written["payload"] = request.payload
            device.answer(request, 0x44)
            return True
        return False
    device.handler = take
    answer = world.admin.update(battery.replace("battery", "deviceInfo"), {"m2m:dvi": {"syst": "20231128T120000"}})
    device.handler = None
    assert answer.rsc == 2004, answer
    assert b"\x65\x65\xd6\x40" in written["payload"] or written["payload"] == b"1701172800"
    assert answer.content["syst"] == "20231128T120000"


def test_reboot_executes(world, device, battery):
    before = len(device.requests)
    answer = world.admin.update(battery.replace("battery", "reboot"), {"m2m:rbo": {"rbo": True}})
    assert answer.rsc == 2004 and answer.content["rbo"] is False, answer
    assert [(r.code, r.path) for r in device.requests[before:]] == [(2, "/3/0/4")]


@pytest.mark.parametrize("coap,rsc", [("4.00", 4000), ("4.01", 5105), ("4.04", 6005), ("4.05", 4005)])
def test_refusals_of_the_device_are_named(world, device, battery, coap, rsc):
    device.content("/3/0", b"", None, coap)
    answer = world.admin.retrieve(battery)
    device.content("/3/0", b"\xc1\x09\x50\xc1\x14\x00", 11542)
    assert answer.rsc == rsc and coap in answer.debug, answer


@pytest.mark.parametrize("payload", [
    b"", b"{", b"not json", b"[]", b"7", b"\xef\xbb\xbf{}", b'{"op":2,"op":3}', b"\xff\xfe\x00",
    b'{"m2m:rqp":{"op":2,"fr":"CAdmin","to":"cse-in","rqi":"w1","rvi":"4"}}'])
def test_what_is_no_primitive_is_answered_4000(world, payload):
    answer = world.admin.send_raw(payload)
    assert answer.rsc == 4000 and answer.debug and "rvi" in answer.primitive, answer


def test_deep_json_is_answered_4000(world):
    assert world.admin.send_raw(b"[" * 10000).rsc == 4000
    deep = '{"op":2,"fr":"CAdmin","to":"cse-in","rqi":"deep","rvi":"4","pc":' + '{"a":' * 10000 + "1" + "}" * 10001
    assert world.admin.send_raw(deep).rsc == 4000
    assert world.admin.retrieve("cse-in").rsc == 2000


def test_payload_of_a_mebibyte_is_answered_4000(world):
    primitive = world.admin.primitive(2, "cse-in", {"m2m:atrl": ["x" * (1 << 20)]})
    answer = world.admin.send_raw(json.dumps(primitive))
    assert answer.rsc == 4000 and answer.debug, answer
    assert world.admin.retrieve("cse-in").rsc == 2000


@pytest.mark.parametrize("topic", [
    "/oneM2M/req/CAdmin", "/oneM2M/req/CAdmin/id-in/json/more", "oneM2M/req/CAdmin/id-in/json",
    "/oneM2M/req/CAdmin/:id-in/json", "/oneM2M/req/CAdmin/id-in/JSON"])
def test_stray_topics_are_never_executed(world, topic):
    name = world.name("stray")
    request = world.admin.primitive(1, "cse-in", {"m2m:acp": {
        "rn": name, "pv": {"acr": []}, "pvs": {"acr": [{"acor": ["CAdmin"], "acop": 63}]}}}, ty=1)
    world.admin.publish(json.dumps(request), topic=topic)
    # What comes behind it on the same connection has been handled: so has it.
    assert world.admin.retrieve("cse-in").rsc == 2000
    assert world.admin.retrieve("cse-in/" + name).rsc == 4004


@pytest.mark.parametrize("change,codes", [
    ({"to": "cse-in/none"}, {4004}), ({"to": "/id-in"}, {4000}), ({"to": "cse-in/"}, {4000}),
    ({"to": "/id-other/x"}, {4004}), ({"op": 9}, {4000}), ({"op": "x"}, {4000}), ({"rcn": 77}, {4000}),
    ({"rqet": "20000101T000000"}, {4008}), ({"rvi": "9"}, {4001}), ({"fr": "Cother"}, {4106}),
    ({"pc": "{\"m2m:bat\":{}}"}, {4000}), ({"to": None}, {4000}), ({"fr": "999"}, {4000, 4103, 4106})])
def test_bad_parameters_have_their_codes(world, change, codes):
    primitive = {k: v for k, v in dict(world.admin.primitive(2, "cse-in"), **change).items() if v is not None}
    answer = world.admin.send(primitive)
    assert answer.rsc in codes and answer.debug, answer


@pytest.mark.parametrize("name,content,code", [
    ("battery", {"m2m:bat": {"colour": "red"}}, 4000), ("battery", {"m2m:bat": {"btl": "many"}}, 4000),
    ("battery", {"m2m:mem": {}}, 4102), ("battery", {"m2m:bat": {"mgd": 1007}}, 4000),
    ("deviceInfo", {"m2m:dvi": {"syst": "20231128T120000Z"}}, 4000), ("deviceInfo", {"m2m:dvi": {"man": "x"}}, 4000),
    ("reboot", {"m2m:rbo": {"rbo": True, "far": True}}, 4000)])
def test_bad_content_never_reaches_the_device(world, device, battery, name, content, code):
    before = len(device.requests)
    answer = world.admin.update(battery.replace("battery", name), content)
    assert answer.rsc == code and answer.debug, answer
    assert len(device.requests) == before


def test_duplicate_is_answered_and_not_executed_again(world, device, battery):
    request = world.admin.primitive(3, battery.replace("battery", "reboot"), {"m2m:rbo": {"rbo": True}})
    before = len(device.requests)
    first = world.admin.send(request)
    second = world.admin.send(request)
    assert first.rsc == second.rsc == 2004
    assert len(device.requests) == before + 1


def test_retained_request_is_not_executed_again_after_a_restart(world, device, battery):
    request = world.admin.primitive(3, battery.replace("battery", "reboot"), {"m2m:rbo": {"rbo": True}})
    topic = "/oneM2M/req/CAdmin/id-in/json"
    before = len(device.requests)
    # A subscriber that is there gets it without the flag (MQTT 3.1.1, 3.3.1.3): once is right.
    world.admin.publish(json.dumps(request), topic=topic, retain=True)
    wait_for("the live request", lambda: len(device.requests) == before + 1, 10)
    for _ in range(3):
        world.stack.services["mqtt_binding"].terminate()
        world.stack.start_service("mqtt_binding")
        assert world.admin.retrieve(battery.replace("battery", "reboot")).rsc == 2000
    world.admin.publish(b"", topic=topic, retain=True)
    assert [r.path for r in device.requests[before:]].count("/3/0/4") == 1


def test_silent_device_is_6003_in_time_and_nobody_waits_for_it(world, battery):
    silent = world.device("silent")
    silent.register()
    node = world.objects("silent", ["battery"])
    silent.silent = True
    primitive = world.admin.primitive(2, node + "/battery", rqet="2000")
    answer = world.admin.send(primitive)
    assert answer.rsc in (6003, 6030) and 1.5 < answer.seconds < 4, answer
    assert world.admin.retrieve(battery).seconds < 1


def test_separate_response_after_an_empty_acknowledgement(world):
    device = world.device("separate")
    device.register()
    node = world.objects("separate", ["battery"])

    def later(_, request):
        if request.code != 1:
            return False
        from scripted_device import ACK, CON, CONTENT_FORMAT, Message, uint
        device.send(Message(ACK, 0, request.message_id))
        device.send(Message(CON, 0x45, device.next_id(), request.token, [(CONTENT_FORMAT, uint(11542))],
                            b"\xc1\x09\x33\xc1\x14\x00"))
        return True
    device.handler = later
    answer = world.admin.retrieve(node + "/battery")
    assert answer.rsc == 2000 and answer.content["btl"] == 0x33, answer


@pytest.mark.parametrize("payload,content_format", [
    (b"\xc8\x09\xff\x50", 11542), (b"\xc1\x09", 11542), (b"\x08\x00", 11542), (b"[{", 110), (b"{}", 110),
    (b'[{"bn":"/3/0/","n":"9","v":"many"}]', 110), (b"anything", 65000)])
def test_undecodable_answers_are_6025_and_change_nothing(world, device, battery, payload, content_format):
    device.content("/3/0", b"\xc1\x09\x50\xc1\x14\x00", 11542)
    assert world.admin.retrieve(battery).content["btl"] == 80
    device.content("/3/0", payload, content_format)
    answer = world.admin.retrieve(battery)
    device.content("/3/0", b"\xc1\x09\x50\xc1\x14\x00", 11542)
    assert answer.rsc == 6025 and answer.debug, answer
    kept = world.admin.retrieve(battery.rsplit("/", 1)[0], rcn=8)
    assert any(one.get("btl") == 80 for one in kept.content["m2m:bat"]), kept


@pytest.mark.parametrize("payload,content_format", [(b"", None), (b"", 11542), (b"[]", 110)])
def test_empty_means_empty(world, device, battery, payload, content_format):
    device.content("/3/0", payload, content_format)
    answer = world.admin.retrieve(battery)
    device.content("/3/0", b"\xc1\x09\x50\xc1\x14\x00", 11542)
    assert answer.rsc == 2000, answer


def test_answer_repeats_the_topic_segments_literally(world):
    both = world.application("Cshape")
    topic = "/oneM2M/req/id-in:Cshape/id-in/json"
    heard = []
    both._client.message_callback_add("/oneM2M/resp/id-in:Cshape/id-in/#", lambda c, u, m: heard.append(m.topic))
    both._client.subscribe("/oneM2M/resp/id-in:Cshape/id-in/#", 1)
    try:
        both.send(both.primitive(2, "cse-in"), seconds=1, topic=topic)
    except NoAnswer:
        pass
    wait_for("the answer", lambda: heard, 5)
    assert heard == ["/oneM2M/resp/id-in:Cshape/id-in/json"]
