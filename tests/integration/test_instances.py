"""Object instances that applications make and delete on a device: CREATE and DELETE of <mgmtObj>, from MQTT to CoAP."""

import pytest

from isthmus.stack import wait_for
from scripted_device import code

POST, PUT, DELETE = 2, 3, 4
LOCATION_PATH = 8
URN = "urn:oma:lwm2m:ext:3303"


@pytest.fixture
def device(world):
    """A device that makes instances of 3303 and deletes them, under a name of its own."""
    device = world.device(world.name("maker"))
    device.made = []

    def handle(device, request):
        if request.code == POST and request.path == "/3303":
            # TLV of an instance (type 00) says which is wanted; resources alone leave it to the device.
            wanted = request.payload[1] if request.payload and request.payload[0] >> 6 == 0 else 7
            device.made.append(request.payload)
            device.content(f"/3303/{wanted}", b'[{"n":"/3303/%d/5700","v":21.5}]' % wanted, 110)
            device.answer(request, code("2.01"), options=[(LOCATION_PATH, b"3303"), (LOCATION_PATH, b"%d" % wanted)])
            return True
        if request.code == DELETE:
            device.answer(request, code("2.02") if request.path.startswith("/3303/") else code("4.05"))
            return True
        return False
    device.handler = handle
    device.register("</1/0>,</3/0>,</3303>")
    return device


@pytest.fixture
def node(world, device):
    """Address of its node."""
    return world.objects(device.endpoint, ["battery"])


def sensor(**attributes):
    """Content of a CREATE."""
    return {"m2m:mgo": dict({"mgd": 0, "mgs": URN, "obis": [URN]}, **attributes)}


def test_the_device_chooses_the_instance(world, device, node):
    answer = world.admin.create(node, 13, sensor(rn="boiler", applicationType="boiler"))
    assert answer.rsc == 2001 and answer.content["obps"] == ["/3303/7"], answer
    assert device.made == [b"\xe6\x16\x76boiler"], device.made  # resource 5750 alone
    content = world.admin.retrieve(node + "/boiler").content
    assert content["sensorValue"] == 21.5 and content["ri"] == answer.content["ri"], content
    # When the device tells of it, it stays the one resource.
    device.update(links=b"</1/0>,</3/0>,</3303/7>")
    device.wait_request(lambda request: request.path == "/3303/7" and request.code == 1)
    found = world.admin.retrieve(node, fc={"fu": 1, "ty": [13]}).content
    assert node + "/boiler" in found and node + "/temperature7" not in found, found


def test_a_wanted_instance(world, device, node):
    answer = world.admin.create(node, 13, sensor(rn="freezer", obps=["/3303/2"], applicationType="x"))
    assert answer.rsc == 2001 and answer.content["obps"] == ["/3303/2"], answer
    assert device.made == [b"\x04\x02\xe1\x16\x76x"], device.made  # instance 2 with resource 5750
    same = world.admin.create(node, 13, sensor(rn="again", obps=["/3303/2"], applicationType="x"))
    assert same.rsc == 2001, same
    other = world.admin.create(node, 13, sensor(rn="other", obps=["/3303/2"], applicationType="y"))
    assert other.rsc == 5106 and "/3303/2" in other.debug, other
    assert len(device.made) == 1


def test_delete_goes_to_the_device(world, device, node):
    assert world.admin.create(node, 13, sensor(rn="short")).rsc == 2001
    assert world.admin.delete(node + "/short").rsc == 2002
    device.wait_request(lambda request: request.code == DELETE and request.path == "/3303/7")
    assert world.admin.retrieve(node + "/short").rsc == 4004


@pytest.mark.parametrize("answered, expected", [("4.00", 4000), ("4.01", 5105), ("4.04", 6005), ("4.05", 4005)])
def test_a_device_that_refuses(world, device, node, answered, expected):
    def refuse(device, request):
        if request.code == POST and request.path == "/3303":
            device.answer(request, code(answered))
            return True
        return False
    device.handler = refuse
    answer = world.admin.create(node, 13, sensor(rn="never"))
    assert answer.rsc == expected and answered in answer.debug, answer
    assert world.admin.retrieve(node + "/never").rsc == 4004


def test_a_silent_device(world, device, node):
    device.silent = True
    answer = world.admin.create(node, 13, sensor(rn="silence"), rqet="1500")
    assert answer.rsc in (6003, 6030, 4008), answer
    device.silent = False
    assert world.admin.retrieve(node + "/silence").rsc == 4004


def test_what_the_request_gets_wrong(world, device, node):
    for attributes, expected, word in (({"sensorValue": 1, "nonsense": 2}, 4000, "nonsense"),
                                       ({"applicationType": 5}, 4000, "applicationType"),
                                       ({"obps": ["/3304/0"]}, 6005, "/3304/0"),
                                       ({"obis": ["urn:other:1"]}, 6003, "urn:other:1")):
        answer = world.admin.create(node, 13, sensor(rn="wrong", **attributes))
        assert answer.rsc == expected and word in answer.debug, (attributes, answer)
    assert device.made == []
    wait_for("nothing left", lambda: world.admin.retrieve(node + "/wrong").rsc == 4004)
