"""The translation service as its users call it: from the command line, and as README shows it."""

import os
import re
import subprocess

import grpc
import pytest

from isthmus import contracts
from isthmus.stack import ROOT

SERVICE = "isthmus.translation.v1.TranslationService/"


@pytest.fixture(scope="module")
def addresses(world):
    """Addresses of the services by their usual ports."""
    ports = world.stack.grpc_ports
    return {"127.0.0.1:7001": f"127.0.0.1:{ports['synchronizer']}", "127.0.0.1:7002": f"127.0.0.1:{ports['translation']}"}


def translate(*arguments, address):
    """Runs tools/translate."""
    done = subprocess.run([os.path.join(ROOT, "tools/translate"), *arguments, "--address", address],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments, expected", [
    (["retrieve", "m2m:bat", "bts"], "Read /3/0/20 Battery Status"),
    (["update", "m2m:dvi", '{"syst":"20260101T000000"}'], "1767225600"),
    (["create", "m2m:swr", '{"url":"coap://h/a"}'], "Create /9 "),
    (["create", "m2m:swr", '{"url":"coap://h/a"}', "--path", "/9/3"], "Create /9/3"),
    (["delete", "m2m:swr", "--path", "/9/3"], "on urn:oma:lwm2m:oma:9"),
    (["notify", "m2m:bat", "/3/0/20=1", "/3/0/9=80"], "btl = 80\nbts = 2"),
    (["notify", "m2m:mgo", "--object", "urn:oma:lwm2m:ext:3303", "/3303/0/5701=Cel"], 'sensorUnits = "Cel"'),
    (["device", "d", "</3/0>,</3303/0>;ver=1.1"], "temperature0"),
    (["list", "m2m:bat"], "batteryStatus"),
    (["list", "m2m:bat", "--json"], '"attribute_long_name": "batteryStatus"'),
])
def test_command_line(addresses, arguments, expected):
    code, output, errors = translate(*arguments, address=addresses["127.0.0.1:7002"])
    assert code == 0 and expected in output, output + errors


@pytest.mark.parametrize("arguments, code, expected", [
    (["list", "m2m:nothing"], 1, "field root: UNEXPECTED"),
    (["update", "m2m:bat", "{btl:5}"], 2, "content: no JSON"),
    (["update", "m2m:bat", "[5]"], 2, "expected a JSON object"),
    (["notify", "m2m:bat", "/3/0/9"], 2, "expected PATH=VALUE"),
    (["notify", "m2m:bat", "3/0/9=1"], 2, "expected a path as /3/0/9"),
    (["device", "d", "3/0"], 2, "</3/0>"),
    (["retrieve", "m2m:mgo"], 2, "--object"),
])
def test_command_line_says_what_is_wrong(addresses, arguments, code, expected):
    found, output, errors = translate(*arguments, address=addresses["127.0.0.1:7002"])
    assert found == code and expected in errors, output + errors


def test_command_line_without_a_service():
    code, _, errors = translate("list", address="127.0.0.1:1")
    assert code == 2 and "nobody answers at 127.0.0.1:1" in errors, errors


def test_command_line_starts_a_service_of_its_own():
    done = subprocess.run([os.path.join(ROOT, "tools/translate"), "retrieve", "m2m:bat", "btl"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "Read /3/0/9 Battery Level" in done.stdout, done.stderr


def test_python_example_of_readme(world, addresses):
    device = world.device("demo-device")
    device.register()
    world.objects("demo-device", ["battery"])
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        example = re.search(r"^    PYTHONPATH=tools /usr/bin/python3 - <<'EOF'\n(?:    .*\n|\n)*?    EOF$", file.read(), re.M)
    script = re.sub(r"^    ", "", example[0], flags=re.M)
    for usual, address in addresses.items():
        script = script.replace(usual, address)
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    for expected in ("resource_id: 20", "Battery Status", "response_status_code: 2000", 'name: "btl"'):
        assert expected in done.stdout, done.stdout


def test_invalid_argument_names_the_field_for_programs(addresses):
    with pytest.raises(grpc.RpcError) as raised:
        contracts.call(addresses["127.0.0.1:7002"], SERVICE + "DescribeDevice", endpoint="d", root_path="lwm2m")
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert contracts.invalid_fields(raised.value) == [
        ("root_path", "MALFORMED", "expected a path that starts with '/', got 'lwm2m'")]


def test_supported_is_up_to_date_and_complete():
    done = subprocess.run([os.path.join(ROOT, "tools/supported"), "--check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
