"""Software, device capability, event log and a CMDH policy: broker, four services, and a device of the fleet."""

import base64

import pytest

from isthmus.stack import wait_for

URL = "http://10.0.0.1/"
CMDH = {"cmdhPolicy0": "m2m:cmp", "activeCmdhPolicy": "m2m:acmp", "cmdhDefaults0": "m2m:cmdf", "cmdhDefEcValue0": "m2m:cmdv",
        "cmdhEcDefParamValues0": "m2m:cmpv", "cmdhLimits0": "m2m:cml", "cmdhNetworkAccessRules0": "m2m:cmnr",
        "cmdhNwAccessRule0": "m2m:cmwr", "cmdhBuffer0": "m2m:cmbf"}


@pytest.fixture(scope="module")
def node(world):
    """A registered device with all objects, whose software takes some tenths of a second."""
    fleet = world.stack.fleet("--more_objects=true", "--name=many-sided", "--firmware.download=300ms", "--firmware.install=300ms",
                              "--report_every=0")
    fleet.wait_output("ready", 30)
    return world.objects("many-sided", ["software0", "capability0", "eventLog0"] + list(CMDH), 30)


@pytest.fixture(scope="module")
def monitor(world):
    """An application that is notified."""
    return world.ae("Cmany")


def kept(world, node, root):
    """The only resource of this kind as kept, without asking the device."""
    return world.admin.retrieve(node, rcn=8).content[root][0]


def ask(world, address, root, **attributes):
    """An UPDATE that succeeds; what it answers."""
    answer = world.admin.update(address, {root: attributes})
    assert answer.rsc == 2004, answer
    return answer.content


class TestSoftware:
    """Statuses follow the device by observation: nothing here reads it in between."""

    @pytest.fixture(scope="class", autouse=True)
    def watched(self, world, node, monitor):
        """Somebody has subscribed, so that the device is observed."""
        answer = monitor.create(node + "/software0", 23, {"m2m:sub": {"rn": "watch", "nu": ["Cmany"], "enc": {"net": [1]}}})
        assert answer.rsc == 2001, answer
        wait_for("the observations", lambda: {"/9/0/7", "/9/0/9", "/9/0/12"} <= world.underneath.observed("many-sided"), 10)

    def wait(self, world, node, attribute, action, status):
        """Until a status is kept."""
        wanted = {"acn": action, "sus": status}
        wait_for(f"{attribute} {wanted}", lambda: kept(world, node, "m2m:swr")[attribute] == wanted, 10)

    def deliver(self, world, node, name):
        """Pushes a URL and waits until the device has the package."""
        content = ask(world, node + "/software0", "m2m:swr", url=URL + name)
        assert content["ins"]["sus"] in (0, 3), content
        self.wait(world, node, "ins", "url", 3)

    def test_install_activate_deactivate_uninstall(self, world, node):
        software = node + "/software0"
        self.deliver(world, node, "app-1.2.bin")
        # The Execute waits for the package; the answer does not.
        content = ask(world, software, "m2m:swr", **{"in": True})
        assert content["in"] is False
        self.wait(world, node, "ins", "in", 1)
        content = world.admin.retrieve(software).content
        assert (content["swn"], content["vr"]) == ("app", "1.2"), content
        ask(world, software, "m2m:swr", act=True)
        self.wait(world, node, "acts", "act", 1)
        ask(world, software, "m2m:swr", dea=True)
        self.wait(world, node, "acts", "dea", 1)
        ask(world, software, "m2m:swr", un=True)
        self.wait(world, node, "ins", "un", 1)
        assert world.admin.retrieve(software).content["swn"] == ""

    def test_url_and_install_in_one_request(self, world, node):
        content = ask(world, node + "/software0", "m2m:swr", **{"url": URL + "app-2.0.bin", "in": True})
        assert content["ins"]["sus"] in (0, 3), content
        self.wait(world, node, "ins", "in", 1)
        ask(world, node + "/software0", "m2m:swr", un=True)
        self.wait(world, node, "ins", "un", 1)

    @pytest.mark.parametrize("name", ["lost-1.0.bin", "corrupt-1.0.bin"])
    def test_a_download_that_fails(self, world, node, name):
        ask(world, node + "/software0", "m2m:swr", url=URL + name)
        self.wait(world, node, "ins", "url", 2)

    def test_an_installation_that_fails_and_the_next_that_does_not(self, world, node):
        software = node + "/software0"
        self.deliver(world, node, "broken-1.0.bin")
        ask(world, software, "m2m:swr", **{"in": True})
        self.wait(world, node, "ins", "in", 2)
        # The old failure is not of the new package.
        self.deliver(world, node, "app-1.0.bin")
        ask(world, software, "m2m:swr", **{"in": True})
        self.wait(world, node, "ins", "in", 1)
        ask(world, software, "m2m:swr", un=True)
        self.wait(world, node, "ins", "un", 1)

    def test_a_removal_that_fails(self, world, node):
        software = node + "/software0"
        self.deliver(world, node, "sticky-1.0.bin")
        ask(world, software, "m2m:swr", **{"in": True})
        self.wait(world, node, "ins", "in", 1)
        ask(world, software, "m2m:swr", un=True)
        self.wait(world, node, "ins", "un", 2)
        # Installed software takes no other package.
        assert world.admin.update(software, {"m2m:swr": {"url": URL + "app-3.bin"}}).rsc == 4005

    def test_what_is_refused(self, world, node):
        software = node + "/software0"
        for both in ({"in": True, "un": True}, {"act": True, "dea": True}):
            assert world.admin.update(software, {"m2m:swr": both}).rsc == 4000


def test_capability_is_switched_off_and_on(world, node):
    capability = node + "/capability0"
    content = world.admin.retrieve(capability).content
    assert (content["can"], content["att"], content["cus"]) == ("camera", True, True), content
    content = ask(world, capability, "m2m:dvc", dis=True)
    assert content["cus"] is False and content["dis"] is True and content["cas"] == {"acn": "dis", "sus": 1}, content
    content = ask(world, capability, "m2m:dvc", ena=True)
    assert content["cus"] is True and content["cas"] == {"acn": "ena", "sus": 1}, content
    assert world.admin.update(capability, {"m2m:dvc": {"ena": True, "dis": True}}).rsc == 4000


def test_event_log_is_started_and_stopped(world, node):
    log = node + "/eventLog0"
    content = world.admin.retrieve(log).content
    assert (content["lgst"], content["lgt"], content["lgd"]) == (4, 1, ""), content
    assert ask(world, log, "m2m:evl", lga=True)["lgst"] == 1
    assert ask(world, log, "m2m:evl", lgo=True)["lgst"] == 2
    content = world.admin.retrieve(log).content
    assert base64.b64decode(content["lgd"]) == b"started, stopped" and content["lga"] is True, content
    assert ask(world, log, "m2m:evl", lgt=4)["lgt"] == 4
    assert world.admin.retrieve(log).content["lgt"] == 4
    assert world.admin.update(log, {"m2m:evl": {"lgt": 6}}).rsc == 4000


class TestCmdhPolicy:
    """One policy of the device, followed along its links, and changed."""

    def identifiers(self, world, node):
        """Resource identifiers by resource name."""
        return {name: world.admin.retrieve(f"{node}/{name}").content["ri"] for name in CMDH}

    def test_links_lead_from_the_active_policy_to_its_rules(self, world, node):
        known = self.identifiers(world, node)

        def links(content):
            return {(link["nm"], link["typ"], link["val"]) for link in content["cmlk"]}

        active = world.admin.retrieve(node + "/activeCmdhPolicy").content["acmlk"]
        assert active == known["cmdhPolicy0"]
        policy = world.admin.retrieve(active).content
        assert policy["cpn"] == "usual"
        assert links(policy) == {("cmdhDefaults", 1013, known["cmdhDefaults0"]), ("cmdhLimits", 1016, known["cmdhLimits0"]),
                                 ("cmdhNetworkAccessRules", 1017, known["cmdhNetworkAccessRules0"]),
                                 ("cmdhBuffer", 1019, known["cmdhBuffer0"])}
        assert links(world.admin.retrieve(known["cmdhDefaults0"]).content) == {
            ("cmdhDefEcValue", 1014, known["cmdhDefEcValue0"]), ("cmdhEcDefParamValues", 1015, known["cmdhEcDefParamValues0"])}
        assert links(world.admin.retrieve(known["cmdhNetworkAccessRules0"]).content) == {
            ("cmdhNwAccessRule", 1018, known["cmdhNwAccessRule0"])}

    @pytest.mark.parametrize("name, expected", [
        ("cmdhDefEcValue0", {"od": 1, "dev": 2, "ror": ["Cany"], "rctn": False}),
        ("cmdhEcDefParamValues0", {"aec": [0], "dqet": 1000, "dset": 2000, "doet": 3000, "drp": 4000, "dda": False}),
        ("cmdhLimits0", {"od": 1, "ror": ["Cany"], "lec": [2], "lqet": [0, -1], "lset": [0, -1], "loet": [0, -1],
                         "lrp": [0, -1], "lda": [False, True]}),
        ("cmdhNetworkAccessRules0", {"aecs": [2]}),
        ("cmdhNwAccessRule0", {"ttn": ["lte"], "swt": 100, "mrv": 1024, "ohc": ""}),
        ("cmdhBuffer0", {"aec": [2], "mbfs": 65536, "sgp": 5}),
    ])
    def test_values_are_read(self, world, node, name, expected):
        content = world.admin.retrieve(f"{node}/{name}").content
        assert {key: content.get(key) for key in expected} == expected

    @pytest.mark.parametrize("name, change", [
        ("cmdhPolicy0", {"cpn": "night"}),
        ("cmdhDefEcValue0", {"od": 3, "dev": 100, "ror": ["Ca", "Cb"], "rctn": True}),
        ("cmdhEcDefParamValues0", {"aec": [1, 2, 3], "dqet": -1, "dda": True}),
        ("cmdhEcDefParamValues0", {"aec": [4]}),
        ("cmdhLimits0", {"lqet": [5, 6], "lda": [True]}),
        ("cmdhNwAccessRule0", {"ttn": ["nb", "lte"], "swt": 0}),
        ("cmdhBuffer0", {"aec": [1], "mbfs": 1, "sgp": 10}),
    ])
    def test_values_are_written(self, world, node, name, change):
        address = f"{node}/{name}"
        content = ask(world, address, CMDH[name], **change)
        assert {key: content.get(key) for key in change} == change
        # What the device has now, not what we remember.
        content = world.admin.retrieve(address).content
        assert {key: content.get(key) for key in change} == change

    def test_links_are_written(self, world, node):
        known = self.identifiers(world, node)
        rules = f"{node}/cmdhNetworkAccessRules0"
        link = {"nm": "mine", "typ": 1018, "val": f"{node}/cmdhNwAccessRule0"}
        content = ask(world, rules, "m2m:cmnr", cmlk=[link])
        assert content["cmlk"] == [{"nm": "cmdhNwAccessRule", "typ": 1018, "val": known["cmdhNwAccessRule0"]}], content
        policy = f"{node}/cmdhPolicy0"
        links = world.admin.retrieve(policy).content["cmlk"]
        assert ask(world, policy, "m2m:cmp", cmlk=links)["cmlk"] == links
        # Not without a limit, not to a buffer where a limit belongs, not to what is nowhere.
        without = [one for one in links if one["typ"] != 1016] * 2
        for bad in (without, [dict(one, val=known["cmdhBuffer0"]) for one in links], [dict(one, val="nowhere") for one in links]):
            assert world.admin.update(policy, {"m2m:cmp": {"cmlk": bad}}).rsc == 4000
        assert ask(world, f"{node}/activeCmdhPolicy", "m2m:acmp", acmlk=known["cmdhPolicy0"])["acmlk"] == known["cmdhPolicy0"]

    def test_back_off_parameters_stay_with_the_in_cse(self, world, node):
        sets = {"bops": [{"nwa": 1, "ibt": 1, "abt": 2, "mbt": 3}]}
        assert ask(world, f"{node}/cmdhNwAccessRule0", "m2m:cmwr", bop=sets)["bop"] == sets
        assert world.admin.retrieve(f"{node}/cmdhNwAccessRule0").content["bop"] == sets
