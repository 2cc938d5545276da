"""Payloads as devices really send them: levels, emptiness, numbers and times in every shape.

The services run in a zone that is five and a half hours ahead: the zone of our host plays no role.
"""

import pytest

from isthmus.stack import wait_for

STACK_ENVIRONMENT = {"TZ": "Asia/Kolkata"}
TLV, JSON, TEXT, CBOR, SENML_CBOR, LWM2M_JSON, LWM2M_CBOR = 11542, 110, 0, 60, 112, 11543, 11544
# A SenML CBOR record of the battery level, and one of the device's time, without their values.
LEVEL_RECORD, TIME_RECORD = b"\x81\xa2\x00\x66/3/0/9\x02", b"\x81\xa2\x00\x67/3/0/13"
PROPER = b"\xc4\x00Acme\xc1\x09\x50\xc1\x14\x00"


@pytest.fixture(scope="module")
def device(world):
    """A registered device whose payloads the tests choose."""
    device = world.device("payloads")
    device.register("</1/0>,</3/0>,</20/0>")
    world.objects("payloads", ["battery", "deviceInfo", "eventLog0"])
    return device


@pytest.fixture(scope="module")
def node(world, device):
    """Address of its node."""
    return world.node("payloads")


@pytest.fixture(autouse=True)
def ordinary(world, device):
    """Each test begins with a device that answers well, and with 80 in the copy of its battery."""
    device.contents.clear()
    device.content("/3/0", PROPER, TLV)
    device.content("/3/0/9", b"80", TEXT)
    device.content("/3/0/20", b"0", TEXT)
    assert world.admin.retrieve(world.node("payloads") + "/battery").content["btl"] == 80


def kept(world, node):
    """The battery level in our copy, without asking the device."""
    return [one for one in world.admin.retrieve(node, rcn=8).content["m2m:bat"]][0].get("btl")


@pytest.mark.parametrize("payload", [PROPER, b"\x08\x00\x0c" + PROPER, b"\x28\x00\x00\x0c" + PROPER],
                         ids=["resources", "wrapped in the instance", "wrapped, long id"])
def test_instance_with_a_level_more(world, device, node, payload):
    device.content("/3/0", payload, TLV)
    battery = world.admin.retrieve(node + "/battery")
    assert (battery.rsc, battery.content["btl"], battery.content["bts"]) == (2000, 80, 1), battery
    assert world.admin.retrieve(node + "/deviceInfo").content["man"] == "Acme"


@pytest.mark.parametrize("payload", [b"\xc1\x09\x37", b"\x03\x00\xc1\x09\x37"], ids=["resource", "wrapped"])
def test_resource_with_a_level_more(world, device, node, payload):
    device.content("/3/0/9", payload, TLV)
    answer = world.admin.retrieve(node + "/battery#btl")
    assert answer.rsc == 2000 and answer.content == {"btl": 0x37}, answer


@pytest.mark.parametrize("payload", [b"\xc1\x00\x50", b"\xc1\x09", b"\xc8\x09\xff\x50", b"\x03\x01\xc1\x09\x37",
                                     b"\x03\x00\xc1\x00\x37"],
                         ids=["wrong id", "no value", "a length that lies", "another instance", "wrong id inside"])
def test_resource_with_wrong_ids_or_lengths(world, device, node, payload):
    device.content("/3/0/9", payload, TLV)
    answer = world.admin.retrieve(node + "/battery#btl")
    assert answer.rsc == 6025 and answer.debug, answer
    assert kept(world, node) == 80
    assert world.admin.retrieve(node + "/battery").rsc == 2000


@pytest.mark.parametrize("payload,content_format", [(b"", None), (b"", TLV), (b"[]", JSON), (b"\x00\x00", TLV)],
                         ids=["bare", "TLV", "JSON", "an empty instance in TLV"])
def test_empty_instance(world, device, node, payload, content_format):
    device.content("/3/0", payload, content_format)
    answer = world.admin.retrieve(node + "/battery")
    assert answer.rsc == 2000 and "btl" in answer.content, answer
    info = world.admin.retrieve(node + "/deviceInfo")
    assert info.rsc == 2000 and "fwv" not in info.content, info


@pytest.mark.parametrize("payload,content_format", [(b"", None), (b"", TLV), (b"[]", JSON)],
                         ids=["bare", "TLV", "JSON"])
def test_empty_resource(world, device, node, payload, content_format):
    device.content("/3/0/3", payload, content_format)
    answer = world.admin.retrieve(node + "/deviceInfo#fwv")
    # Empty means absent, and absent is what an attribute asked for by name may be.
    assert answer.rsc in (2000, 4004), answer
    assert answer.rsc == 4004 or not answer.content.get("fwv"), answer


@pytest.mark.parametrize("payload,level", [(b"77", 77), (b"many", None), (b"", None)])
def test_unlabelled_notification_leaves_the_observation_alive(world, device, node, payload, level):
    monitor = world.ae("Cunlabelled")
    name = world.name("watch")
    assert monitor.create(node + "/battery", 23, {"m2m:sub": {"rn": name, "nu": ["Cunlabelled"]}}).rsc == 2001
    device.wait_observed("/3/0/9")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/3/0/9", payload, content_format=None)
    if level is not None:
        assert next_level(monitor, level) == level
    device.notify("/3/0/9", b"anything", content_format=65000)
    device.notify("/3/0/9", b"41")
    assert next_level(monitor, 41) == 41
    monitor.delete(f"{node}/battery/{name}")


def next_level(monitor, wanted):
    """Waits for a battery level; only the ordinary one and absent ones may come before it."""
    while True:
        _, primitive = monitor.next_notification()
        level = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"].get("btl")
        if level == wanted:
            return level
        assert level in (None, 0, 80), f"{level} came instead of {wanted}"


@pytest.mark.parametrize("payload,content_format,level", [
    (b'[{"bn":"/3/0/","n":"9","v":80.0}]', JSON, 80), (b'[{"bn":"/3/0/","n":"9","v":8.1e1}]', JSON, 81),
    (b'[{"bn":"/3/0/9","v":82}]', JSON, 82), (b'[{"n":"/3/0/9","v":80.5}]', JSON, None),
    (b'[{"n":"/3/0/9","v":NaN}]', JSON, None), (b'[{"n":"/3/0/9","v":1e999}]', JSON, None),
    (b'[{"n":"/3/0/9","vs":"83"}]', JSON, None), (b"83", TEXT, 83), (b"+80", TEXT, 80), (b"80 ", TEXT, None),
    (b"0.-5", TEXT, None), (b"80.5", TEXT, None), (b"-1", TEXT, None), (b"101", TEXT, None),
    (b"\xc2\x09\x00\x54", TLV, 84), (b"\xc4\x09\x00\x00\x00\x55", TLV, 85),
    (b"\xc8\x09\x08\x00\x00\x00\x00\x00\x00\x00\x56", TLV, 86), (b"\xc3\x09\x00\x00\x56", TLV, None),
    (LEVEL_RECORD + b"\x18\x57", SENML_CBOR, 87), (LEVEL_RECORD + b"\xfb\x40\x54\x00\x00\x00\x00\x00\x00", SENML_CBOR, 80),
    (LEVEL_RECORD + b"\xf9\x55\x00", SENML_CBOR, 80), (LEVEL_RECORD + b"\xfb\x40\x54\x20\x00\x00\x00\x00\x00", SENML_CBOR, None),
    (LEVEL_RECORD + b"\xf9\x7e\x00", SENML_CBOR, None), (LEVEL_RECORD, SENML_CBOR, None), (b"\x18\x58", CBOR, 88),
    (b"\x18", CBOR, None), (b"\xa1\x83\x03\x00\x09\x18\x59", LWM2M_CBOR, 89), (b"\xa1\x03\xa1\x00\xa1\x09\x18\x5a", LWM2M_CBOR, 90),
    (b"\xa1\x03\x00", LWM2M_CBOR, None), (b'{"bn":"/3/0/","e":[{"n":"9","v":91}]}', LWM2M_JSON, 91),
    (b'{"e":[{"n":"","v":92}]}', LWM2M_JSON, 92), (b'{"bn":"/3/0/","e":[{"n":"9"}]}', LWM2M_JSON, None)])
def test_integers_in_the_other_shape(world, device, node, payload, content_format, level):
    device.content("/3/0/9", payload, content_format)
    answer = world.admin.retrieve(node + "/battery#btl")
    if level is None:
        assert answer.rsc == 6025 and answer.debug, answer
        assert kept(world, node) == 80
    else:
        assert answer.rsc == 2000 and answer.content == {"btl": level}, answer


def test_one_bad_number_spoils_nothing_else(world, device, node):
    device.content("/3/0", b'[{"bn":"/3/0/","n":"9","v":80.5},{"n":"20","v":2.0},{"n":"0","vs":"Acme"}]', JSON)
    answer = world.admin.retrieve(node + "/battery")
    assert answer.rsc == 2000 and answer.content["bts"] == 3 and answer.content.get("btl") != 80.5, answer
    assert world.admin.retrieve(node + "/deviceInfo").content["man"] == "Acme"


@pytest.mark.parametrize("payload,content_format,time", [
    (b"\xc4\x0d\x65\x65\xd6\x40", TLV, "20231128T120000"),
    (b"\xc8\x0d\x08\x00\x00\x01\x8c\x15\xcc\xea\x00", TLV, None),
    (b"\xc4\x0d\xff\xff\xff\xff", TLV, "19691231T235959"),
    (b"\xc8\x0d\x08\x00\x00\x00\x00\x81\xc9\x4b\x00", TLV, "20390101T000000"),
    (b"1701172800", TEXT, "20231128T120000"), (b"1701172800000", TEXT, None), (b"2023-11-28T12:00:00Z", TEXT, None),
    (b'[{"bn":"/3/0/","n":"13","v":1701172800}]', JSON, "20231128T120000"),
    (b'[{"bn":"/3/0/","n":"13","v":1.7011728e9}]', JSON, "20231128T120000"),
    (b'[{"bn":"/3/0/","n":"13","v":1701172800000}]', JSON, None),
    (TIME_RECORD + b"\x02\x1a\x65\x65\xd6\x40", SENML_CBOR, "20231128T120000"),
    (TIME_RECORD + b"\x02\xc1\x1a\x65\x65\xd6\x40", SENML_CBOR, "20231128T120000"),
    (TIME_RECORD + b"\x02\xc0\x742023-11-28T12:00:00Z", SENML_CBOR, "20231128T120000"),
    (TIME_RECORD + b"\x03\xc0\x78\x192023-11-28T21:00:00+09:00", SENML_CBOR, "20231128T120000"),
    (b"\xc1\x1a\x65\x65\xd6\x40", CBOR, "20231128T120000")])
def test_time_in_every_shape(world, device, node, payload, content_format, time):
    device.content("/3/0/13", payload, content_format)
    answer = world.admin.retrieve(node + "/deviceInfo#syst")
    if time is None:
        assert answer.rsc == 6025 and answer.debug, answer
    else:
        assert answer.rsc == 2000 and answer.content == {"syst": time}, answer


def test_device_that_has_a_zone_tells_utc(world, device, node):
    device.content("/3/0", PROPER + b"\xc4\x0d\x65\x65\xd6\x40\xc6\x0e+09:00", TLV)
    assert world.admin.retrieve(node + "/deviceInfo").content["syst"] == "20231128T120000"


@pytest.mark.parametrize("payload,level", [
    (b'[{"n":"/3/0/9","t":-30,"v":71}]', 71),
    (b'[{"bn":"/3/0/9","bt":1701172800,"v":72},{"t":-60,"v":82}]', 72),
    (b'[{"bn":"/3/0/9","bt":1701172800,"t":-60,"v":82},{"v":73}]', 73),
    (b'[{"bn":"/3/0/","n":"9","t":1701172800.123456789,"v":74}]', 74)])
def test_latest_record_counts_in_reads_and_notifications(world, device, node, payload, level):
    device.content("/3/0/9", payload, JSON)
    assert world.admin.retrieve(node + "/battery#btl").content == {"btl": level}
    monitor = world.ae("Chistory")
    name = world.name("history")
    device.content("/3/0/9", b"80", TEXT)
    assert monitor.create(node + "/battery", 23, {"m2m:sub": {"rn": name, "nu": ["Chistory"]}}).rsc == 2001
    device.wait_observed("/3/0/9")
    world.admin.retrieve(node + "/battery")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/3/0/9", payload, JSON)
    assert next_level(monitor, level) == level
    assert kept(world, node) == level
    monitor.delete(f"{node}/battery/{name}")
    wait_for("the end of the observation", lambda: "/3/0/9" not in world.underneath.observed("payloads"), 10)


def test_one_timestamp_is_of_its_record_only(world, device, node):
    device.content("/3/0", b'[{"bn":"/3/0/","n":"9","t":1701172800.123456789,"v":80},{"n":"20","v":0},'
                           b'{"n":"0","vs":"Acme"}]', JSON)
    answer = world.admin.retrieve(node + "/battery")
    assert (answer.rsc, answer.content["btl"], answer.content["bts"]) == (2000, 80, 1), answer
    assert world.admin.retrieve(node + "/deviceInfo").content["man"] == "Acme"


@pytest.mark.parametrize("time,rsc", [("20231128T120000,5", 2004), ("20231128T120000", 2004), ("20231128T120000Z", 4000),
                                      ("2023-11-28T12:00:00", 4000), ("20231128", 4000), ("20231328T120000", 4000)])
def test_time_of_an_application(world, device, node, time, rsc):
    written = []

    def take(_, request):
        if request.code in (2, 3):
            written.append(request.payload)
            device.answer(request, 0x44)
            return True
        return False
    device.handler = take
    device.content("/3/0/13", b"1701172800", TEXT)
    answer = world.admin.update(node + "/deviceInfo", {"m2m:dvi": {"syst": time}})
    device.handler = None
    assert answer.rsc == rsc, answer
    if rsc == 2004:
        assert len(written) == 1 and (b"\x65\x65\xd6\x40" in written[0] or b"1701172800" in written[0]), written
        assert answer.content["syst"] == "20231128T120000"
    else:
        assert not written and answer.debug


@pytest.mark.parametrize("payload,content_format,data", [
    (b"\xc3\xff\x00\x10", None, None), (b"[]", JSON, ""), (b"", None, "")])
def test_log_that_is_empty_or_unlabelled(world, device, node, payload, content_format, data):
    device.content("/20/0/4014", payload, content_format)
    answer = world.admin.retrieve(node + "/eventLog0#lgd")
    if data is None:
        assert answer.rsc in (2000, 6025), answer
    else:
        assert answer.rsc == 2000 and answer.content["lgd"] == data, answer
