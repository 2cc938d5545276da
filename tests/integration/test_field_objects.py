"""Objects of versions above 1.0, and objects that nobody has described until a file is mounted."""

import os
import tempfile

import pytest

from isthmus.stack import wait_for

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
