"""A device that runs Eclipse Leshan's client stack, managed from MQTT."""

import pytest

from connector_session import ConnectorSession, path_text, value_of
from isthmus.stack import wait_for


@pytest.fixture(scope="module")
def device(world):
    """A registered Leshan device that changes nothing by itself."""
    process = world.stack.leshan_device("leshan", "--change", "0", "--lifetime", "60", "--period", "5",
                                        "--firmware-delay", "300")
    process.wait_output("registered leshan", 60)
    world.objects("leshan", ["deviceInfo", "battery", "memory", "reboot", "firmware"], 20)
    return process


@pytest.fixture(scope="module")
def node(world, device):
    """Address of its node."""
    return world.node("leshan")


def tell(device, line):
    """Gives the device a command and waits until it has been carried out."""
    place = len(device.output())
    device.tell(line)
    device.wait_output(" ".join(line.split()[:2]), after=place)


def test_discovery(world, node):
    found = {path.split("/")[-1] for path in world.admin.retrieve(node, fc={"fu": 1, "ty": [13]}).content}
    assert {"deviceInfo", "battery", "memory", "reboot", "firmware"} <= found
    info = world.admin.retrieve(node + "/deviceInfo").content
    assert info["obis"] == ["urn:oma:lwm2m:oma:3:1.2"] and info["obps"] == ["/3/0"], info


def test_read(world, node):
    info = world.admin.retrieve(node + "/deviceInfo").content
    assert (info["man"], info["mod"], info["dlb"], info["dty"]) == ("Leshan Works", "Model 18", "leshan", "demo sensor")
    assert (info["fwv"], info["swv"], info["hwv"]) == ("1.0.0", "2.1", "rev B")
    assert world.admin.retrieve(node + "/memory").content["mmt"] == 512000


def test_read_is_live(world, node, device):
    for level in (66, 55):
        tell(device, f"set /3/0/9 {level}")
        assert world.admin.retrieve(node + "/battery").content["btl"] == level


def test_write_is_read_back(world, node):
    answer = world.admin.update(node + "/deviceInfo", {"m2m:dvi": {"syst": "20300101T000000"}})
    assert answer.rsc == 2004 and answer.content["syst"].startswith("20300101T0000"), answer


def test_write_of_what_cannot_be_written(world, node):
    answer = world.admin.update(node + "/battery", {"m2m:bat": {"btl": 5}})
    assert answer.rsc == 4005 and answer.debug, answer


def test_observe(world, node, device):
    monitor = world.ae("Cleshan")
    assert monitor.create(node + "/battery", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cleshan"]}}).rsc == 2001
    wait_for("the observation", lambda: "/3/0/9" in world.underneath.observed("leshan"), 10)
    while not monitor.notifications.empty():
        monitor.notifications.get()
    for level in (10, 9):
        tell(device, f"set /3/0/9 {level}")
        _, primitive = monitor.next_notification()
        assert primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]["btl"] == level


def test_reboot_and_the_observation_after_it(world, node, device):
    monitor = world.application("Cleshan2")
    place = len(device.output())
    assert world.admin.update(node + "/reboot", {"m2m:rbo": {"rbo": True}}).rsc == 2004
    device.wait_output("rebooting", after=place)
    device.wait_output("registered leshan", after=place)
    wait_for("the observation after the reboot", lambda: "/3/0/9" in world.underneath.observed("leshan"), 15)
    assert world.admin.retrieve(node + "/battery").rsc == 2000
    monitor.close()


def test_firmware_by_uri(world, node, device):
    monitor = world.ae("Cfirmware")
    assert monitor.create(node + "/firmware", 23, {"m2m:sub": {"nu": ["Cfirmware"]}}).rsc == 2001
    place = len(device.output())
    answer = world.admin.update(node + "/firmware", {"m2m:fwr": {
        "url": "coap://127.0.0.1:9/firmware", "ud": True}})
    assert answer.rsc == 2004, answer
    device.wait_output("execute 5/0/2", 20, after=place)
    device.wait_output("registered leshan", 20, after=place)

    def finished():
        content = world.admin.retrieve(node + "/firmware").content or {}
        return content.get("uds", {}).get("sus") == 1 and content
    content = wait_for("updateStatus Successful", finished, 20)
    assert content["vr"] == "1.1.0", content


def test_firmware_that_is_corrupt(world, node, device):
    answer = world.admin.update(node + "/firmware", {"m2m:fwr": {"url": "coap://127.0.0.1:9/bad", "ud": True}})
    assert answer.rsc == 2004, answer

    def failed():
        return (world.admin.retrieve(node + "/firmware").content or {}).get("uds", {}).get("sus") == 2
    wait_for("updateStatus Failure", failed, 20)


def test_kill_and_return(world):
    first = world.stack.leshan_device("comeback", "--change", "0", "--lifetime", "60")
    first.wait_output("registered comeback", 60)
    node = world.objects("comeback", ["battery"], 20)
    ri = world.admin.retrieve(node).content["ri"]
    first.kill()
    world.stack.others.remove(first)
    second = world.stack.leshan_device("comeback", "--change", "0", "--lifetime", "60")
    second.wait_output("registered comeback", 60)
    wait_for("the battery", lambda: world.admin.retrieve(node + "/battery", rqet="3000").rsc == 2000, 20)
    assert world.admin.retrieve(node).content["ri"] == ri


def test_deregister_is_visible(world):
    process = world.stack.leshan_device("leaving", "--change", "0")
    process.wait_output("registered leaving", 60)
    node = world.objects("leaving", ["battery"], 20)
    process.terminate()
    wait_for("the loss", lambda: "mgca" not in world.admin.retrieve(node).content, 15)
    assert "Isthmus-State:deregistered" in world.admin.retrieve(node).content["lbl"]


def test_composites(world, device, node):
    with ConnectorSession(f"127.0.0.1:{world.stack.grpc_ports['connector']}") as session:
        session.wait_registered("leshan")
        result = session.read_composite("leshan", ["/3/0/0", "/3/0/9", "/1/0/1", "/3/0/99"])
        values = {path_text(node.path): value_of(node) for node in result.nodes}
        assert (result.outcome, result.coap_code) == (1, 205), result
        assert values["/3/0/0"] == "Leshan Works" and values["/1/0/1"] == 60, result
        assert [at.coap_code for at in result.paths] == [205, 205, 205, 404], result
        assert "left it out" in result.paths[3].diagnostic, result  # one FETCH, not four reads
        result = session.write_composite("leshan", {"/1/0/1": 60, "/3/0/15": "Asia/Seoul"})
        assert (result.outcome, result.coap_code) == (1, 204), result
        assert session.read_composite("leshan", ["/3/0/15", "/1/0/1"]).nodes[0].value.text == "Asia/Seoul"
    assert "device without composite operations" not in world.stack.services["connector"].output()


def test_instance_made_and_deleted(world, node, device):
    sensor = {"mgd": 0, "mgs": "urn:oma:lwm2m:ext:3303", "obis": ["urn:oma:lwm2m:ext:3303"], "applicationType": "boiler"}
    for name, wanted, path in (("chosen", {}, "/3303/1"), ("wanted", {"obps": ["/3303/5"]}, "/3303/5")):
        made = world.admin.create(node, 13, {"m2m:mgo": dict(sensor, rn=name, **wanted)})
        assert made.rsc == 2001 and made.content["obps"] == [path], made
        device.wait_output(f"write {path[1:]}/5750 = boiler")
        assert world.admin.retrieve(f"{node}/{name}").content["applicationType"] == "boiler"
    device.tell("update")
    device.wait_output("updated leshan", after=len(device.output()))
    for name in ("chosen", "wanted"):
        assert world.admin.delete(f"{node}/{name}").rsc == 2002
        assert world.admin.retrieve(f"{node}/{name}").rsc == 4004
