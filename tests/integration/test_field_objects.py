"""Objects of versions above 1.0, and objects that nobody has described until a file is mounted."""

import os
import tempfile

import pytest

from isthmus.stack import wait_for
from scripted_device import ACCEPT, CONTENT_FORMAT, GET, OBSERVE, PUT, code, uint

MOUNTED = tempfile.mkdtemp(prefix="isthmus-mappings-")
STACK_OPTIONS = {"translation": {"mappings.directory": MOUNTED, "mappings.reload": "200ms"}}
LINKS = "</1/0>,</3>;ver=1.2,</3/0>,</3303>;ver=2.0,</3303/0>,</34120>;ver=1.3,</34120/0>,</34121/0>"
OBJECT = """object: 34120
name: "Greeter"
version: "1.0"
urn: urn:oma:lwm2m:x:34120
multiple: true
resources:
  - {id: 0, name: "Count", operations: RW, type: integer}
  - {id: 1, name: "Greeting", operations: R, type: string}
"""
MAPPING = """mapping: greeter
mgmtDefinition: 0
root: acme:greeter
object: urn:oma:lwm2m:x:34120
clause: ours
attributes:
  - {short: cnt, long: count, resource: 0, access: read-write, type: integer, observe: true}
  - {short: grt, long: greeting, resource: 1, access: read, type: string, observe: true}
"""


def mount(name, text):
    """A file appears whole, as a mounted volume makes it."""
    path = os.path.join(MOUNTED, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


@pytest.fixture(scope="module")
def device(world):
    """A device with objects of later versions and of a vendor."""
    device = world.device("versions")
    device.content("/34120/0", b"\xc1\x00\x07\xc5\x01hello", 11542)
    device.content("/34120/0/0", b"7", 0)
    device.content("/34120/0/1", b"hello", 0)
    device.content("/34121/0", b'[{"bn":"/34121/0/","n":"0","v":1},{"n":"1","vs":"one"},{"n":"2/0","vb":true}]', 110)
    device.content("/34121/0/0", b"1", 0)
    device.content("/3303/0", b'[{"bn":"/3303/0/","n":"5700","v":21.5},{"n":"5701","vs":"Cel"}]', 110)
    device.register(LINKS)
    world.objects("versions", ["battery", "deviceInfo", "temperature0", "object34120-0", "object34121-0"])
    return device


@pytest.fixture(scope="module")
def node(world, device):
    """Address of its node."""
    return world.node("versions")


def test_read_notification_and_send_of_a_later_version_give_the_same(world, device, node):
    monitor = world.ae("Cver")
    content = world.admin.retrieve(node + "/battery").content
    assert content["btl"] == 80 and content["obis"] == ["urn:oma:lwm2m:oma:3:1.2"], content
    assert monitor.create(node + "/battery", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cver"]}}).rsc == 2001
    device.wait_observed("/3/0/9")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/3/0/9", b"42")
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"] == 42
    assert device.ask(2, "/dp", payload=b'[{"n":"/3/0/9","v":43}]', content_format=110).code == 0x44
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"] == 43
    assert device.ask(2, "/dp", payload=b"\x81\xa2\x00\x66/3/0/9\x02\x18\x2d", content_format=112).code == 0x44
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"] == 45
    device.content("/3/0", b'[{"bn":"/3/0/","n":"9","v":44},{"n":"20","v":0}]', 110)
    assert world.admin.retrieve(node + "/battery").content["btl"] == 44


def test_known_object_without_a_mapping_is_self_defined(world, device, node):
    monitor = world.ae("Ctemp")
    content = world.admin.retrieve(node + "/temperature0").content
    assert (content["mgd"], content["mgs"]) == (0, "urn:oma:lwm2m:ext:3303:2.0"), content
    assert (content["sensorValue"], content["sensorUnits"]) == (21.5, "Cel"), content
    assert content["resetMinAndMaxMeasuredValues"] is False, content
    assert monitor.create(node + "/temperature0", 23, {"m2m:sub": {"rn": "watch", "nu": ["Ctemp"]}}).rsc == 2001
    device.wait_observed("/3303/0")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/3303/0", b'[{"n":"/3303/0/5700","v":22.25}]', 110)
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:mgo"]["sensorValue"] == 22.25
    assert world.admin.update(node + "/temperature0", {"m2m:mgo": {"resetMinAndMaxMeasuredValues": True}}).rsc == 2004
    device.wait_request(lambda r: r.code == 2 and r.path == "/3303/0/5605")
    refused = world.admin.update(node + "/temperature0", {"m2m:mgo": {"sensorValue": 1}})
    assert refused.rsc == 4005 and "5700" in refused.debug, refused


def test_unknown_object_goes_by_resource_ids(world, device, node):
    monitor = world.ae("Cids")
    content = world.admin.retrieve(node + "/object34121-0").content
    assert (content["0"], content["1"], content["2"]) == (1, "one", [True]), content
    assert content["obis"] == ["urn:oma:lwm2m:x:34121"] and content["obps"] == ["/34121/0"], content
    assert monitor.create(node + "/object34121-0", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cids"]}}).rsc == 2001
    device.wait_observed("/34121/0")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    assert device.ask(2, "/dp", payload=b'[{"n":"/34121/0/0","v":2}]', content_format=110).code == 0x44
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:mgo"]["0"] == 2
    assert world.admin.update(node + "/object34121-0", {"m2m:mgo": {"1": "two"}}).rsc == 2004
    device.wait_request(lambda r: r.code == 3 and r.path == "/34121/0/1")


# The same instance, /34199/0, in each format: an integer, a text, a boolean, a float, octets and a list.
TLV = b"\xc1\x00\x07\xc5\x01hello\xc1\x02\x01\xc4\x03\x41\xac\x00\x00\xc2\x04\x00\xff\x83\x05\x41\x00\x2a"
SENML_JSON = (b'[{"bn":"/34199/0/","n":"0","v":7},{"n":"1","vs":"hello"},{"n":"2","vb":true},{"n":"3","v":21.5},'
              b'{"n":"4","vd":"AP8"},{"n":"5/0","v":42}]')
SENML_CBOR = (b"\x86\xa3\x21\x69/34199/0/\x00\x610\x02\x07\xa2\x00\x611\x03\x65hello\xa2\x00\x612\x04\xf5"
              b"\xa2\x00\x613\x02\xf9\x4d\x60\xa2\x00\x614\x08\x42\x00\xff\xa2\x00\x635/0\x02\x18\x2a")
LWM2M_JSON = (b'{"bn":"/34199/0/","e":[{"n":"0","v":7},{"n":"1","sv":"hello"},{"n":"2","bv":true},{"n":"3","v":21.5},'
              b'{"n":"4","sv":"AP8="},{"n":"5/0","v":42}]}')
TYPED = {"0": 7, "1": "hello", "2": True, "3": 21.5, "4": "AP8=", "5": [42]}
UNTYPED = {"0": "Bw==", "1": "aGVsbG8=", "2": "AQ==", "3": "QawAAA==", "4": "AP8=", "5": ["Kg=="]}


def speaks(device, path, formats):
    """From now on a read of the path is answered in the format that is asked for, the first one without a wish."""
    def answer(self, request):
        if request.code != GET or request.path != path:
            return False
        accept = request.number(ACCEPT)
        wanted = next(iter(formats)) if accept is None else accept
        if wanted not in formats:
            self.answer(request, code("4.06"))
            return True
        options = [(CONTENT_FORMAT, uint(wanted))]
        if request.number(OBSERVE) == 0:
            options.append((OBSERVE, uint(1)))
        self.answer(request, code("2.05"), formats[wanted], options)
        return True
    device.handler = answer


@pytest.mark.parametrize("name, version, formats, used", [
    ("senmljson", "1.1", {11542: TLV, 110: SENML_JSON}, 110),
    ("senmlcbor", "1.1", {11542: TLV, 112: SENML_CBOR}, 112),
    ("lwm2mjson", "1.0", {11542: TLV, 11543: LWM2M_JSON}, 11543),
])
def test_unknown_object_of_a_device_that_can_tell_types_comes_typed(world, name, version, formats, used):
    device = world.device(name, version=version)
    speaks(device, "/34199/0", formats)
    device.register("</1/0>,</3/0>,</34199/0>")
    world.objects(name, ["object34199-0"])
    place = world.node(name) + "/object34199-0"
    content = world.admin.retrieve(place).content
    assert {key: content.get(key) for key in TYPED} == TYPED, content
    monitor = world.ae("C" + name)
    assert monitor.create(place, 23, {"m2m:sub": {"rn": "watch", "nu": ["C" + name]}}).rsc == 2001
    device.wait_request(lambda r: r.path == "/34199/0" and r.number(OBSERVE) == 0 and r.number(ACCEPT) == used)
    device.wait_observed("/34199/0")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/34199/0", formats[used].replace(b"hello", b"world"), used)
    told = monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:mgo"]
    assert told["1"] == "world" and told.get("0", 7) == 7, told
    # A whole number for what is a Float: a number, where TLV would be the octet of an integer.
    assert world.admin.update(place, {"m2m:mgo": {"3": 21}}).rsc == 2004
    written = device.wait_request(lambda r: r.code == PUT and r.path == "/34199/0/3")
    assert written.number(CONTENT_FORMAT) == used, (written.number(CONTENT_FORMAT), written.payload)


def test_unknown_object_of_a_device_with_tlv_alone_is_read_as_ever(world):
    device = world.device("tlvalone")
    speaks(device, "/34199/0", {11542: TLV})
    device.register("</1/0>,</3/0>,</34199/0>")
    world.objects("tlvalone", ["object34199-0"])
    place = world.node("tlvalone") + "/object34199-0"
    for _ in range(3):
        content = world.admin.retrieve(place).content
        assert {key: content.get(key) for key in UNTYPED} == UNTYPED, content
    # What it cannot do it is asked once; objects with a definition are never read in this way.
    asked = [r.number(ACCEPT) for r in device.requests if r.path == "/34199/0"]
    assert sorted(format for format in asked if format is not None) == [110, 112], asked
    assert all(r.number(ACCEPT) is None for r in device.requests if r.code == GET and r.path.startswith("/3/0")), \
        [(r.path, r.number(ACCEPT)) for r in device.requests]


def test_send_of_an_object_that_is_not_registered_is_taken_and_disturbs_nothing(world, device, node):
    for payload in (b'[{"n":"/9999/0/0","vs":"x"}]', b'[{"n":"/3303/9/5700","v":21}]'):
        answer = device.ask(2, "/dp", payload=payload, content_format=110)
        assert answer.code in (0x44, 0x84), answer.code
    assert world.admin.retrieve(node + "/battery").rsc == 2000


def test_mounted_files_count_without_a_new_registration(world, device, node):
    before = world.admin.retrieve(node + "/object34120-0").content
    assert (before["0"], before["1"]) == ("Bw==", "aGVsbG8="), before  # TLV tells no types
    registrations = device.location
    mount("mapping.yaml", MAPPING)
    mount("object.yaml", OBJECT)
    # Any traffic of devices makes the new mappings known.
    wait_for("the new object", lambda: world.admin.retrieve(node + "/battery").rsc == 2000
             and "cnt" in world.admin.retrieve(node + "/object34120-0").content, 20)
    # The resource stays what it is: its name, its identifier and its subscriptions.
    content = world.admin.retrieve(node + "/object34120-0").content
    assert content["ri"] == before["ri"] and "0" not in content, content
    assert (content["cnt"], content["grt"]) == (7, "hello"), content
    assert content["obis"] == ["urn:oma:lwm2m:x:34120:1.3"] and content["obps"] == ["/34120/0"], content
    assert device.location == registrations
    monitor = world.ae("Cgreet")
    assert monitor.create(node + "/object34120-0", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cgreet"]}}).rsc == 2001
    device.wait_observed("/34120/0/1")
    while not monitor.notifications.empty():
        monitor.notifications.get()
    device.notify("/34120/0/1", b"good day")
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["acme:greeter"]["grt"] == "good day"
    assert device.ask(2, "/dp", payload=b'[{"n":"/34120/0/1","vs":"good night"}]', content_format=110).code == 0x44
    assert monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["acme:greeter"]["grt"] == "good night"
    device.content("/34120/0", b'[{"bn":"/34120/0/","n":"0","v":8},{"n":"1","vs":"hello again"}]', 110)
    content = world.admin.retrieve(node + "/object34120-0").content
    assert (content["cnt"], content["grt"]) == (8, "hello again")


def test_broken_mounted_file_changes_nothing(world, device, node):
    mount("broken.yaml", "mapping: [")
    wait_for("the refusal in the log", lambda: "broken.yaml" in world.stack.services["translation"].output(), 10)
    assert world.admin.retrieve(node + "/battery").rsc == 2000
    os.remove(os.path.join(MOUNTED, "broken.yaml"))
