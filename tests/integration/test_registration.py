"""Registrations as devices send them, and what becomes of them in oneM2M."""

import pytest

from isthmus.stack import wait_for

LINKS = {
    "version on an instance": ("</1/0>;ver=1.1,</3/0>;ver=1.1", {"deviceInfo"}),
    "ct twice": ("</>;ct=110;ct=60,</1/0>,</3/0>", {"deviceInfo"}),
    "ct unquoted with blanks": ('</>;ct=60 110 112;rt="oma.lwm2m",</1>;ver=1.1,</1/0>,</3/0>', {"deviceInfo"}),
    "blanks after commas": ("</1/0>, </3/0>, </6/0>", {"deviceInfo"}),
    "deeper links": ("</1/0>;obs,</3/0>;obs,</3/0/0>;obs,</3/0/11/0>;obs,</5/0/1>", {"deviceInfo", "firmware"}),
    "commas in quotes": ('</3/0>;x="a,b;c<d>",</6/0>', {"deviceInfo"}),
}


@pytest.mark.parametrize("shape", LINKS)
def test_links_that_devices_really_send(world, shape):
    links, objects = LINKS[shape]
    name = world.name("links")
    with world.device(name) as device:
        device.register(links)
        node = world.objects(name, objects)
        found = world.admin.retrieve(node, fc={"fu": 1, "ty": [13]}).content
        assert len(found) == len(set(found))
        names = [path.split("/")[-1] for path in found]
        assert names.count("deviceInfo") == 1


@pytest.mark.parametrize("links", ["<1/0>,<3/0>", "</3/0>,,</6/0>,", "</44/0>;ver=2.2,</44/1>;ver=1.9", "", "<", "</3/0"])
def test_broken_links_lose_nothing_silently(world, links):
    device = world.device(world.name("broken"))
    answer = device.ask(2, "/rd", [f"ep={device.endpoint}", "lt=300", "lwm2m=1.1"], links.encode(), 40)
    if answer.code == 0x41:
        registered = world.underneath.device(device.endpoint).device.links
        wanted = links.count("/3/0") + links.count("/6/0") + links.count("/1/0")
        assert len([l for l in registered if l.path.HasField("object_instance_id")]) >= wanted
    else:
        assert answer.code == 0x80 and answer.payload, answer.payload


@pytest.mark.parametrize("query,code", [
    (["lt=300", "lwm2m=1.1"], "4.00"), (["ep=", "lt=300"], "4.00"), (["lt=30.5"], "4.00"), (["lt=-1"], "4.00"),
    (["lt="], "4.00"), (["lt=300", "lt=400"], "4.00"), (["lt=99999999999999999999"], None), (["lt=4294967295"], "2.01"),
    ([], "2.01"), (["lwm2m=2.0"], "4.12"), (["lwm2m=1.2"], "2.01"), (["lwm2m=abc"], None), (["b=UQ"], "2.01"),
    (["lwm2m=1.1", "b=U", "Q"], "2.01")])
def test_registration_parameters(world, query, code):
    device = world.device(world.name("parameters"))
    name = [] if query[:2] in (["lt=300", "lwm2m=1.1"], ["ep=", "lt=300"]) else [f"ep={device.endpoint}"]
    answer = device.ask(2, "/rd", name + query, b"</3/0>", 40)
    got = f"{answer.code >> 5}.{answer.code & 31:02}"
    assert got == code if code else got in ("2.01", "4.00", "4.12"), answer.payload
    if got.startswith("4"):
        assert answer.payload, "a refusal says why"
    elif query == []:
        assert world.underneath.device(device.endpoint).device.lifetime_seconds == 86400


def test_lifetime_runs_out_and_the_loss_is_visible(world):
    device = world.device(world.name("expiring"), lifetime=1)
    device.register()
    node = world.objects(device.endpoint, ["battery"])
    wait_for("the loss", lambda: "mgca" not in world.admin.retrieve(node).content, 15)
    answer = world.admin.retrieve(node + "/battery")
    assert answer.rsc == 6003 and device.endpoint in answer.debug, answer
    labels = world.admin.retrieve(node).content["lbl"]
    assert "Isthmus-State:lost" in labels, labels


def test_update_and_deregister_of_unknown_locations(world):
    device = world.device(world.name("unknown"))
    device.register()
    place = device.location
    device.register()
    assert device.ask(2, place).code == 0x84, "the old location is gone after a new registration"
    assert device.ask(4, "/rd/nonsense").code == 0x84
    assert device.deregister().code == 0x42


def test_objects_that_come_and_go_with_an_update(world):
    device = world.device(world.name("growing"))
    device.register("</1/0>,</3/0>")
    node = world.objects(device.endpoint, ["battery"])
    device.update(links=b"</1/0>,</3/0>,</5/0>")
    world.objects(device.endpoint, ["battery", "firmware"])
    device.update(links=b"</1/0>,</3/0>")
    wait_for("firmware to go", lambda: world.admin.retrieve(node + "/firmware").rsc == 4004, 10)


def test_device_that_moves_to_another_port_is_asked_there(world):
    device = world.device(world.name("moving"))
    device.register()
    node = world.objects(device.endpoint, ["battery"])
    device.move()
    device.update()
    assert world.admin.retrieve(node + "/battery").rsc == 2000


def test_alternate_root_path(world):
    device = world.device(world.name("root"))
    device.content("/lwm2m/3/0", b"\xc1\x09\x2a\xc1\x14\x00", 11542)
    device.register('</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>,</lwm2m/3/0>')
    node = world.objects(device.endpoint, ["battery"])
    answer = world.admin.retrieve(node + "/battery")
    assert answer.rsc == 2000 and answer.content["btl"] == 42, answer


def test_registration_in_blocks(world):
    from scripted_device import Message, CON, POST, URI_PATH, URI_QUERY, CONTENT_FORMAT, uint
    device = world.device(world.name("blocks"))
    links = ",".join(["</1/0>", "</3/0>"] + [f"</3303/{i}>" for i in range(60)]).encode()
    size = 128
    for number in range((len(links) + size - 1) // size):
        part = links[number * size:(number + 1) * size]
        more = (number + 1) * size < len(links)
        options = [(URI_PATH, b"rd"), (CONTENT_FORMAT, uint(40)), (27, uint(number << 4 | more << 3 | 3))]
        options += [(URI_QUERY, q.encode()) for q in (f"ep={device.endpoint}", "lt=300", "lwm2m=1.1")]
        device.send(Message(CON, POST, device.next_id(), b"tokn", options, part))
        answer = device.answers.get(timeout=10)
        assert answer.code == (0x5F if more else 0x41), answer.code
    assert len(world.underneath.device(device.endpoint).device.links) >= 62
