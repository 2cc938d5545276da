"""Object definitions in OMA's XML form, mounted: those that OMA publishes, several versions of one, bad ones beside them."""

import glob
import json
import os
import re
import shutil
import tempfile
import zipfile

import pytest

from isthmus.stack import ROOT, Process, free_port, wait_for

MOUNTED = tempfile.mkdtemp(prefix="isthmus-definitions-")
STACK_OPTIONS = {"translation": {"mappings.directory": MOUNTED, "mappings.reload": "200ms"}}
# Our own, in the form that the registry publishes.
VALVE = """<?xml version="1.0" encoding="UTF-8"?>
<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <Object ObjectType="MODefinition">
    <Name>Valve</Name>
    <ObjectID>34130</ObjectID>
    <ObjectURN>urn:oma:lwm2m:x:34130{suffix}</ObjectURN>
    <LWM2MVersion>1.0</LWM2MVersion>
    <ObjectVersion>{version}</ObjectVersion>
    <MultipleInstances>Multiple</MultipleInstances>
    <Mandatory>Optional</Mandatory>
    <Resources>
      <Item ID="0">
        <Name>Opening</Name>
        <Operations>RW</Operations>
        <MultipleInstances>Single</MultipleInstances>
        <Mandatory>Mandatory</Mandatory>
        <Type>Integer</Type>
        <RangeEnumeration>0..{top}</RangeEnumeration>
        <Units>/100</Units>
        <Description><![CDATA[How far it is open.]]></Description>
      </Item>
    </Resources>
  </Object>
</LWM2M>
"""
MAPPING = """mapping: valve
mgmtDefinition: 0
root: acme:valve
object: urn:oma:lwm2m:x:34130
clause: ours
attributes:
  - {short: opn, long: opening, resource: 0, access: read-write, type: integer, observe: true}
"""


def mount(name, text):
    """A file appears whole, as a mounted volume makes it."""
    path = os.path.join(MOUNTED, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def entries(process):
    """What it said, as objects."""
    return [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]


def reasons(lines):
    """Of the refusals among these, each once."""
    return sorted({line["reason"] for line in lines if line["message"].endswith("refused")})


def loadings(world):
    """Lines that tell of a loading."""
    return [line for line in entries(world.stack.services["translation"])
            if line["message"] in ("mappings loaded", "mappings reloaded")]


def refusals(world):
    """Reasons so far."""
    return reasons(entries(world.stack.services["translation"]))


@pytest.fixture(scope="module", autouse=True)
def clean():
    """The directory goes with the module."""
    yield
    shutil.rmtree(MOUNTED, ignore_errors=True)


def register(world, endpoint, version):
    """A device whose valve is of this version; returns its valve's address."""
    device = world.device(endpoint)
    device.content("/34130/0", b"\xc1\x00\x07", 11542)
    device.content("/34130/0/0", b"7", 0)
    device.register(f"</1/0>,</3/0>,</34130>{version},</34130/0>")
    return world.objects(endpoint, ["valve0"]) + "/valve0"


def test_versions_live_side_by_side_and_the_registration_link_chooses(world):
    mount("valve-1.xml", VALVE.format(suffix="", version="1.0", top=10))
    mount("valve-2.xml", VALVE.format(suffix=":2.0", version="2.0", top=100))
    mount("valve.yaml", MAPPING)
    # The mapping was the last to come.
    wait_for("the mapping", lambda: loadings(world)[-1]["mappings"] > loadings(world)[0]["mappings"], 10)
    old = register(world, "valve-old", "")
    new = register(world, "valve-new", ";ver=2.0")
    for address, urn in ((old, "urn:oma:lwm2m:x:34130"), (new, "urn:oma:lwm2m:x:34130:2.0")):
        content = world.admin.retrieve(address).content
        assert content["opn"] == 7 and content["obis"] == [urn], content
    # Version 1.0 opens to 10, version 2.0 to 100.
    refused = world.admin.update(old, {"acme:valve": {"opn": 50}})
    assert refused.rsc // 1000 in (4, 5), refused
    assert world.admin.update(new, {"acme:valve": {"opn": 50}}).rsc == 2004
    assert world.admin.update(old, {"acme:valve": {"opn": 9}}).rsc == 2004


def test_a_changed_file_counts_without_a_restart(world):
    address = world.node("valve-old") + "/valve0"
    assert world.admin.update(address, {"acme:valve": {"opn": 50}}).rsc != 2004
    before = len(loadings(world))
    mount("valve-1.xml", VALVE.format(suffix="", version="1.0", top=60))
    wait_for("the new file to be loaded", lambda: len(loadings(world)) > before, 10)
    wait_for("the new range", lambda: world.admin.update(address, {"acme:valve": {"opn": 50}}).rsc == 2004, 10)


def test_bad_files_are_named_and_the_rest_serves(world):
    address = world.node("valve-new") + "/valve0"
    mount("page.xml", "<!DOCTYPE html>\n<html><body>Not found<br></body></html>")
    mount("type.xml", VALVE.format(suffix="", version="3.0", top=1).replace("Integer", "Number"))
    mount("valve-again.xml", VALVE.format(suffix=":2.0", version="2.0", top=5))
    wait_for("three refusals", lambda: len(refusals(world)) == 3, 10)
    page, number, again = refusals(world)
    assert again.startswith("valve-again.xml:3: valve-2.xml:3 defines object 34130 version 2.0 already"), again
    assert page.startswith("page.xml:1: ")
    assert number.startswith("type.xml:17: element 'Type'") and "'Number'" in number
    assert world.admin.retrieve(address).content["opn"] == 7
    for name in ("page.xml", "type.xml", "valve-again.xml"):
        os.remove(os.path.join(MOUNTED, name))


def load(directory, files):
    """Starts the translation service on a directory with these files; returns how many objects it has, and refusals."""
    os.makedirs(directory)
    for name, text in files.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(text)
    command = [os.path.join(ROOT, ".bazel/bin/services/translation/translation"),
               f"--grpc.listen=127.0.0.1:{free_port()}", "--log.format=json", f"--mappings.directory={directory}"]
    process = Process("translation", command, str(directory))
    try:
        process.wait_output('"serving"')
        lines = entries(process)
    finally:
        process.terminate()
    return next(line["objects"] for line in lines if line["message"] == "mappings loaded"), reasons(lines)


def test_every_definition_that_leshan_carries_is_taken(tmp_path):
    """OMA's own files, of the core objects in all their versions."""
    jars = glob.glob(os.path.join(ROOT, "tools/leshan_device/build/lib/leshan-lwm2m-core-*[0-9].jar"))
    if not jars:
        pytest.skip("1 test left out: tools/leshan_device/build_device has not been run")
    with zipfile.ZipFile(jars[0]) as jar:
        models = {os.path.basename(name): jar.read(name) for name in jar.namelist()
                  if name.startswith("models/") and name.endswith(".xml")}
    assert len(models) > 15, sorted(models)
    # As they are: they go with the mappings that stand on these objects.
    own, none = load(tmp_path / "none", {})
    _, refused = load(tmp_path / "models", models)
    assert not none and not refused, refused
    # As somebody else's objects: each of them is one more.
    moved = {}
    for name, text in models.items():
        text = re.sub(rb"<ObjectID>(\d+)<", lambda match: b"<ObjectID>%d<" % (50000 + int(match[1])), text)
        moved[name] = re.sub(rb"lwm2m:oma:(\d+)", lambda match: b"lwm2m:x:%d" % (50000 + int(match[1])), text)
    count, refused = load(tmp_path / "moved", moved)
    assert not refused, refused
    assert count == own + len(models)
