"""<mgmtCmd>: commands that applications execute on devices, and their <execInstance>, from MQTT to the device and back."""

import pytest

from isthmus.stack import wait_for
from scripted_device import code

EXECUTE, URI, STATE, RESULT = "/5/0/2", "/5/0/1", "/5/0/3", "/5/0/5"
URL = "coap://10.0.0.1/image"
COMMAND, EXECUTION = 12, 8


class Command:
    """A <mgmtCmd> of the administrator, or of another originator."""

    def __init__(self, world, word, command_type, target, originator=None, **attributes):
        self.world, self.me = world, originator or world.admin
        name = world.name(word)
        content = {"m2m:mgc": dict({"rn": name, "cmt": command_type, "ext": target}, **attributes)}
        answer = self.me.create("cse-in", COMMAND, content)
        assert answer.rsc == 2001, answer
        self.path = "cse-in/" + name

    def execute(self, **parameters):
        """An UPDATE of execEnable."""
        return self.me.update(self.path, {"m2m:mgc": {"exe": True}}, **parameters)

    def execution(self):
        """Address of the latest <execInstance>."""
        return self.me.retrieve(self.path, fc={"fu": 1, "ty": [EXECUTION]}).content[-1]

    def state(self):
        """(execStatus, execResult) of it."""
        content = self.me.retrieve(self.execution()).content
        return content["exs"], content.get("exr")

    def wait(self, *wanted):
        """Until it is so."""
        wait_for(f"{self.path} {wanted}", lambda: self.state() == wanted, 15)

    def cancel(self):
        """An UPDATE of execDisable."""
        return self.me.update(self.execution(), {"m2m:exin": {"exd": True}})


def download(**more):
    """execReqArgs of a firmware download."""
    return {"dld": dict({"ftyp": "firmware", "url": URL}, **more)}


@pytest.fixture
def device(world):
    """A registered device with objects 3 and 5, whose firmware is idle."""
    device = world.device(world.name("commanded"))
    tell(device, 0, 0)
    device.register("</1/0>,</3/0>,</5/0>")
    device.node = world.objects(device.endpoint, ["reboot", "firmware"])
    return device


def tell(device, state, result, notify=False):
    """State and Result of its firmware from now on."""
    device.content(STATE, str(state).encode(), 0)
    device.content(RESULT, str(result).encode(), 0)
    device.content("/5/0", b'[{"bn":"/5/0/","n":"3","v":%d},{"n":"5","v":%d}]' % (state, result), 110)
    if notify:
        for path in (STATE, RESULT):
            device.wait_observed(path)
        device.notify(STATE, str(state).encode())
        device.notify(RESULT, str(result).encode())


def asked(device, before=0):
    """What was written and executed."""
    return [(r.path, r.payload) for r in list(device.requests)[before:] if r.code in (2, 3)]


def test_reboot(world, device):
    command = Command(world, "again", 2, device.node)
    before = len(device.requests)
    assert command.execute().rsc == 2004
    assert [path for path, _ in asked(device, before)] == ["/3/0/4"]
    assert command.state() == (3, 0)
    # Once more: an execution of its own.
    assert command.execute().rsc == 2004
    assert len(world.admin.retrieve(command.path, fc={"fu": 1, "ty": [EXECUTION]}).content) == 2


def test_factory_reset_by_node_id(world, device):
    command = Command(world, "factory", 1, device.endpoint, exra={"rst": {}})
    before = len(device.requests)
    assert command.execute().rsc == 2004
    assert [path for path, _ in asked(device, before)] == ["/3/0/5"]


def test_download_is_followed_to_its_end_though_nobody_has_subscribed(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004
    assert command.state() == (2, None)
    tell(device, 2, 0, notify=True)
    device.wait_request(lambda r: r.code == 2 and r.path == EXECUTE)
    tell(device, 3, 0, notify=True)
    tell(device, 0, 1, notify=True)
    command.wait(3, 0)
    assert [path for path, _ in asked(device)] == [URI, EXECUTE]


def test_download_that_fails(world, device):
    monitor = world.ae("Ccommands")
    command = Command(world, "fw", 4, device.node, originator=monitor, exra=download())
    answer = monitor.create(command.path, 23, {"m2m:sub": {"rn": "watch", "nu": ["Ccommands"], "enc": {"net": [3]}}})
    assert answer.rsc == 2001, answer
    assert command.execute().rsc == 2004
    made = monitor.next_notification()[1]["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:exin"]
    assert made["exs"] == 2, made
    tell(device, 1, 0, notify=True)
    tell(device, 0, 4, notify=True)
    command.wait(3, 7)


def test_download_goes_on_after_a_restart(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004
    tell(device, 1, 0, notify=True)
    world.stack.restart_killed("synchronizer")

    wait_for("the synchronizer", lambda: world.admin.retrieve("cse-in").rsc == 2000, 20)
    assert command.state() == (2, None)
    tell(device, 2, 0, notify=True)
    device.wait_request(lambda r: r.code == 2 and r.path == EXECUTE)
    tell(device, 0, 1, notify=True)
    command.wait(3, 0)


def test_download_that_is_forgotten(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004
    device.wait_observed(STATE)
    # Idle since the URL was written, and no result: some seconds later nothing is to be waited for.
    command.wait(3, 7)


def test_installation_that_is_refused(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004

    def refuse(device, request):
        if request.code == 2 and request.path == EXECUTE:
            device.answer(request, code("4.05"))
            return True
        return False
    device.handler = refuse
    tell(device, 2, 0, notify=True)
    command.wait(3, 1)


def test_cancelled_download(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004
    tell(device, 1, 0, notify=False)
    assert command.cancel().rsc == 2004
    # An empty URI, as text or as TLV, drops the download.
    assert [path for path, _ in asked(device)] == [URI, URI] and asked(device)[1][1] in (b"", b"\xc0\x01"), asked(device)
    assert command.state()[0] == 5
    # What was waited for is no longer: a download that ends all the same is not installed.
    tell(device, 2, 0)
    assert command.cancel().rsc == 6028
    assert EXECUTE not in [path for path, _ in asked(device)]
    assert world.admin.delete(command.path).rsc == 2002


def test_cancel_that_the_device_refuses(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004

    def refuse(device, request):
        if request.code in (2, 3) and request.path.startswith("/5/0"):
            device.answer(request, code("4.05"))
            return True
        return False
    device.handler = refuse
    answer = command.cancel()
    assert answer.rsc == 6026 and "4.05" in answer.debug, answer
    assert command.state() == (2, 3)
    assert world.admin.delete(command.path).rsc == 6026
    device.handler = None
    assert world.admin.delete(command.path).rsc == 2002


def test_download_goes_on_after_a_cancellation_that_is_refused(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004
    tell(device, 1, 0, notify=True)

    def refuse(device, request):
        if request.code in (2, 3) and request.path.startswith("/5/0"):
            device.answer(request, code("4.05"))
            return True
        return False
    device.handler = refuse
    assert command.cancel().rsc == 6026
    device.handler = None
    tell(device, 2, 0, notify=True)
    device.wait_request(lambda r: r.code == 2 and r.path == EXECUTE)
    tell(device, 0, 1, notify=True)
    command.wait(3, 0)


def test_another_application_takes_the_firmware(world, device):
    command = Command(world, "fw", 4, device.node, exra=download())
    assert command.execute().rsc == 2004
    assert world.admin.update(device.node + "/firmware", {"m2m:fwr": {"url": URL + "2"}}).rsc == 2004
    assert command.state() == (5, None)
    assert command.cancel().rsc == 6028


def test_delayed_and_repeated(world, device):
    command = Command(world, "often", 2, device.node, exm=4, exy="PT0.5S", exf="PT0.5S", exn=2)
    before = len(device.requests)
    assert command.execute().rsc == 2004
    assert command.state() == (1, None) and asked(device, before) == []
    command.wait(3, 0)
    assert [path for path, _ in asked(device, before)] == ["/3/0/4", "/3/0/4"]


def test_silent_device(world, device):
    command = Command(world, "again", 2, device.node)
    device.silent = True
    answer = command.execute(rqet="1500")
    assert answer.rsc == 6030, answer
    assert command.state() == (3, 4)


def test_device_that_is_gone(world, device):
    command = Command(world, "again", 2, device.node)
    device.deregister()
    wait_for("6003", lambda: command.execute().rsc == 6003, 5)


def test_what_is_wrong(world, device):
    def create(**attributes):
        return world.admin.create("cse-in", COMMAND, {"m2m:mgc": dict({"ext": device.node}, **attributes)})
    answer = create(cmt=9)
    assert answer.rsc == 6022 and "cmdType" in answer.debug, answer
    answer = create(cmt=2, exra=download())
    assert answer.rsc == 6023 and "rbo" in answer.debug, answer
    answer = create(cmt=4, exra={"dld": {"ftyp": "firmware"}})
    assert answer.rsc == 6024 and "dld.url" in answer.debug, answer
    answer = create(cmt=2, exm=3, exy="soon")
    assert answer.rsc == 4000 and "PT30S" in answer.debug, answer
    upload = Command(world, "send", 3, device.node, exra={"uld": {"ftyp": "log", "url": URL}})
    assert upload.execute().rsc == 6025
    nowhere = Command(world, "nowhere", 2, "cse-in/no-such-node")
    assert nowhere.execute().rsc == 6003
    software = Command(world, "remove", 6, device.node)
    assert software.execute().rsc == 6005
    assert world.admin.create(upload.path, EXECUTION, {"m2m:exin": {}}).rsc == 4005


def test_commands_need_rights_on_the_device(world, device):
    stranger = world.application("Cstranger")
    assert stranger.register().rsc in (2001, 4117)
    command = Command(world, "again", 2, device.node, originator=stranger)
    answer = command.execute()
    assert answer.rsc == 4103 and "reboot" in answer.debug, answer
    assert asked(device) == []


@pytest.mark.parametrize("serialization", ["cbor", "xml"])
def test_other_serialisations(world, device, serialization):
    ae = world.ae("Ccommand" + serialization, serialization=serialization)
    command = Command(world, "fw", 4, device.node, originator=ae, exra=download(dss=60))
    assert command.execute().rsc == 2004
    content = ae.retrieve(command.execution()).content
    assert content["exs"] == 1 and content["exra"]["dld"]["dss"] == 60, content
    assert command.cancel().rsc == 2004
    assert command.state()[0] == 5
    # Arguments without members, which are null in XML, and arguments of any name.
    reset = Command(world, "factory", 1, device.node, originator=ae, exra={"rst": {}})
    assert reset.execute().rsc == 2004
    any_arguments = [{"nm": "objectPath", "val": "/9/0"}, {"nm": "other", "val": "x"}]
    remove = Command(world, "remove", 6, device.node, originator=ae, exra={"swun": {"any": any_arguments}})
    assert ae.retrieve(remove.path).content["exra"] == {"swun": {"any": any_arguments}}
    answer = remove.execute()
    assert answer.rsc == 6025 and "other" in answer.debug, answer


class TestSoftware:
    """Against a device of the fleet, whose software takes some tenths of a second."""

    @pytest.fixture(scope="class")
    def node(self, world):
        """Address of its node."""
        fleet = world.stack.fleet("--more_objects=true", "--name=commanded-fleet", "--firmware.download=200ms",
                                  "--firmware.install=200ms", "--report_every=0", name="commanded-fleet")
        fleet.wait_output("ready", 30)
        return world.objects("commanded-fleet", ["software0", "firmware"], 30)

    def test_install_and_uninstall(self, world, node):
        install = Command(world, "install", 5, node, exra={"swin": {"url": "http://10.0.0.1/app-1.2.bin"}})
        assert install.execute().rsc == 2004
        install.wait(3, 0)
        content = world.admin.retrieve(node + "/software0").content
        assert (content["swn"], content["vr"]) == ("app", "1.2"), content
        remove = Command(world, "remove", 6, node, exra={"swun": {"uuid": "app", "vr": "1.2"}})
        assert remove.execute().rsc == 2004
        remove.wait(3, 0)
        assert world.admin.retrieve(node + "/software0").content["swn"] == ""

    def test_installation_of_a_lost_package(self, world, node):
        install = Command(world, "install", 5, node, exra={"swin": {"url": "http://10.0.0.1/lost-1.0.bin"}})
        assert install.execute().rsc == 2004
        install.wait(3, 7)

    def test_firmware(self, world, node):
        update = Command(world, "fw", 4, node, exra={"dld": {"ftyp": "1 Firmware Upgrade Image", "url": "http://10.0.0.1/fw-2.0.bin"}})
        assert update.execute().rsc == 2004
        update.wait(3, 0)
