"""Composite operations on devices that answer them, refuse them, or are silent."""

import time

import pytest

from connector_session import ConnectorSession, path_text, value_of
from isthmus.stack import Stack

WAIT = 1.5  # of the connector, for a composite answer that may never come


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A connector alone."""
    options = {"connector": {"coap.composite_wait": f"{WAIT}s"}}
    with Stack(str(tmp_path_factory.mktemp("stack")), broker=False, options=options) as one:
        one.start_service("connector")
        yield one


@pytest.fixture(scope="module")
def session(stack):
    """A session with it."""
    with ConnectorSession(f"127.0.0.1:{stack.grpc_ports['connector']}") as one:
        yield one


def device(stack, session, name, *options):
    """A registered device of the fleet."""
    process = stack.fleet(f"--name={name}", *options, name=name)
    session.wait_registered(name)
    return process


def values(result):
    """{path: value}."""
    return {path_text(node.path): value_of(node) for node in result.nodes}


def codes(result):
    """{path: CoAP code}."""
    return {path_text(at.path): at.coap_code for at in result.paths}


PATHS = ["/3/0/9", "/1/0/1", "/3/0/99", "/0/0", "/4/0/5"]


@pytest.mark.parametrize("manner", ["answer", "refuse", "silence"])
def test_read_and_write(stack, session, manner):
    name = f"composite-{manner}"
    device(stack, session, name, f"--composites={manner}")
    started = time.monotonic()
    result = session.read_composite(name, PATHS)
    took = time.monotonic() - started
    assert (result.outcome, result.coap_code) == (1, 205), result
    assert set(values(result)) == {"/3/0/9", "/1/0/1", "/4/0/5/0"}, result
    assert {path: code for path, code in codes(result).items() if code == 205}.keys() == {"/3/0/9", "/1/0/1", "/4/0/5"}
    assert codes(result)["/3/0/99"] == 404
    assert codes(result)["/0/0"] == (404 if manner == "answer" else 401), result
    assert (took > WAIT * 0.9) == (manner == "silence"), took

    written = session.write_composite(name, {"/1/0/1": 120, "/3/0/15": "Asia/Seoul"})
    assert (written.outcome, written.coap_code) == (1, 204), written
    assert codes(written) == {"/1/0/1": 204, "/3/0/15": 204}
    started = time.monotonic()
    again = values(session.read_composite(name, ["/1/0/1", "/3/0/15"]))
    assert again["/1/0/1"] in (120, b"120"), again
    assert again["/3/0/15"] in ("Asia/Seoul", b"Asia/Seoul"), again
    assert time.monotonic() - started < WAIT * 0.9  # silence is paid once


def test_all_or_nothing_where_the_device_has_composites(stack, session):
    device(stack, session, "atomic")
    assert session.write_composite("atomic", {"/1/0/1": 130, "/3/0/15": "UTC"}).coap_code == 204
    refused = session.write_composite("atomic", {"/1/0/1": 140, "/3/0/9": 5})
    assert refused.coap_code == 405 and codes(refused) == {"/1/0/1": 405, "/3/0/9": 405}, refused
    assert session.read("atomic", "/1/0/1").nodes[0].value.raw.octets == b"130"


def test_single_writes_end_at_the_first_that_fails(stack, session):
    device(stack, session, "single", "--composites=refuse")
    result = session.write_composite("single", {"/1/0/1": 150, "/3/0/9": 5, "/3/0/15": "UTC"})
    # The two of one instance are one write.
    assert result.coap_code == 405 and codes(result) == {"/1/0/1": 204, "/3/0/9": 405, "/3/0/15": 405}, result
    assert "/3/0" in result.diagnostic
    assert session.read("single", "/1/0/1").nodes[0].value.raw.octets == b"150"


def test_a_device_that_becomes_silent_to_all(stack, session):
    process = device(stack, session, "deaf")
    assert session.read_composite("deaf", ["/3/0/9", "/1/0/1"]).coap_code == 205
    process.tell("silence 0 on")
    process.wait_output("ok: silence 0 on")
    result = session.write_composite("deaf", {"/1/0/1": 60, "/3/0/15": "UTC"}, seconds=2)
    assert result.outcome == 2, result  # OUTCOME_TIMEOUT: it may have been done
    assert [at.outcome for at in result.paths] == [2, 2]


def test_hundreds_of_paths_in_blocks(stack, session):
    device(stack, session, "blocks")
    paths = [f"/3/0/{i % 22}" for i in range(22)] + [f"/3303/0/{i}" for i in range(5500, 5800)]
    result = session.read_composite("blocks", paths)
    assert result.coap_code == 205 and len(result.paths) == 322, result
    assert values(result)["/3303/0/5700"] == 21.5
