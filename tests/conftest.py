"""What the suites share: a running stack and applications on it."""

import faulthandler
import os
import signal
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests")]

from isthmus.application import Application  # noqa: E402
from isthmus.stack import Stack, wait_for  # noqa: E402
from isthmus.underneath import Underneath  # noqa: E402
from scripted_device import ScriptedDevice  # noqa: E402


LIMIT = 120  # seconds for one step of a test (its fixture, itself, its end); every wait in it has a shorter bound


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Markers."""
    config.addinivalue_line("markers", "long: takes minutes; only with tools/test --long")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal:
        config.pluginmanager.register(TellAtOnce(terminal))


def _bounded(item, what):
    """Lets a step run; when it takes longer than the limit, it fails and every thread says where it is."""
    def late(*_):
        faulthandler.dump_traceback(file=sys.__stderr__)
        raise TimeoutError(f"{what} of {item.nodeid} took longer than {LIMIT} s")
    signal.signal(signal.SIGALRM, late)
    signal.alarm(0 if item.get_closest_marker("long") else LIMIT)
    yield
    signal.alarm(0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    """Bounded."""
    yield from _bounded(item, "the preparation")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Bounded."""
    yield from _bounded(item, "the run")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    """Bounded."""
    yield from _bounded(item, "the end")


class TellAtOnce:
    """A failure is told when it happens: a run that is cut off later has said why."""

    def __init__(self, terminal):
        self.terminal = terminal

    def pytest_runtest_logreport(self, report):
        """One line for each failure."""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = crash.message.splitlines()[0] if crash and crash.message else ""
            self.terminal.write_line(f"  {report.nodeid}, {report.when}, {report.duration:.1f} s: {reason}")


class World:
    """A stack with the administrator, and short ways to what tests need."""

    def __init__(self, stack):
        self.stack = stack
        self.admin = Application("CAdmin", stack.mqtt_host, stack.mqtt_port)
        self.underneath = Underneath(stack)
        self._open = [self.admin]
        self._names = 0

    def name(self, word):
        """A name that no other test of this stack used."""
        self._names += 1
        return f"{word}-{self._names}"

    def application(self, originator, **options):
        """Another originator; closed with the world."""
        one = Application(originator, self.stack.mqtt_host, self.stack.mqtt_port, **options)
        self._open.append(one)
        return one

    def ae(self, originator, **options):
        """A registered application that may manage devices."""
        one = self.application(originator, **options)
        answer = one.register()
        assert answer.rsc in (2001, 4117), answer
        policy = self.admin.retrieve("cse-in/devicesAcp").content
        rules = policy["pv"]["acr"]
        if not any(originator in rule["acor"] for rule in rules):
            rules.append({"acor": [originator], "acop": 63})
            assert self.admin.update("cse-in/devicesAcp", {"m2m:acp": {"pv": {"acr": rules}}}).rsc == 2004
        return one

    def device(self, endpoint, **options):
        """A scripted device with the answers of an ordinary one; not registered yet."""
        device = ScriptedDevice(endpoint, self.stack.coap_port, **options)
        self._open.append(device.socket)
        battery, manufacturer = b"\xc1\x09\x50", b"\xc4\x00Acme"
        device.content("/3/0", manufacturer + battery + b"\xc1\x14\x00", 11542)
        device.content("/3/0/0", b"Acme", 0)
        device.content("/3/0/9", b"80", 0)
        device.content("/3/0/20", b"0", 0)
        return device

    def node(self, endpoint, seconds=15):
        """Structured address of a device's node, when it is there."""
        def look():
            answer = self.admin.retrieve("cse-in", fc={"fu": 1, "lbl": [f"Iwked-Entity-ID:{endpoint}"]})
            return answer.rsc == 2000 and answer.content
        return wait_for(f"the node of {endpoint}", look, seconds)[0]

    def objects(self, endpoint, names, seconds=15):
        """The node's address, when these management objects are below it."""
        node = self.node(endpoint, seconds)

        def look():
            found = self.admin.retrieve(node, fc={"fu": 1, "ty": [13]}).content or []
            return set(names) <= {path.split("/")[-1] for path in found}
        wait_for(f"{names} of {endpoint}", look, seconds)
        return node

    def close(self):
        """Closes connections and sockets."""
        for one in self._open:
            one.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, request):
    """One stack for a module. A module may set STACK_OPTIONS = {service: {key: value}} and STACK_ENVIRONMENT."""
    stack = Stack(str(tmp_path_factory.mktemp("stack")), options=getattr(request.module, "STACK_OPTIONS", {}),
                  environment=getattr(request.module, "STACK_ENVIRONMENT", {}))
    try:
        stack.start()
        one = World(stack)
        yield one
        one.close()
        stack.stop()
    finally:
        stack.stop(check=False)
