"""Starts and stops a broker, the four services and devices, each as a process of its own.

    with Stack(state_directory) as stack:
        stack.start()
        device = stack.leshan_device("demo-device")

Every process writes its output to a file below the state directory, dies with the one that started it, and is ended by
its own id.
"""

import os
import shutil
import signal
import socket
import subprocess
import time

import grpc

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICES = ("translation", "connector", "synchronizer", "mqtt_binding")


class StackError(Exception):
    """Something did not start, did not stop, or ended by itself; the message says what and why."""


def free_port(kind=socket.SOCK_STREAM):
    """A port of loopback that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=10.0, interval=0.02):
    """Waits until condition() is true and returns its value; StackError names `what` when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise StackError(f"{what}: not within {seconds:g} s")
        time.sleep(interval)


# The kernel ends the child when its parent is gone, however that ended. A program of its own says so to the kernel: Python
# run in the child of a process with threads (preexec_fn) may wait for a lock that nobody holds any more, and its parent for it.
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"]


class Process:
    """One process with its output in a file."""

    def __init__(self, name, command, directory, stdin=False, environment=None):
        self.name, self.command = name, command
        self.log = os.path.join(directory, name + ".log")
        self._file = open(self.log, "ab")
        self.started_at = self._file.tell()
        self.popen = subprocess.Popen(
            DIE_WITH_PARENT + command, cwd=directory, stdout=self._file, stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, start_new_session=True,
            env=dict(os.environ, **(environment or {})))

    @property
    def pid(self):
        """Process id."""
        return self.popen.pid

    def running(self):
        """It has not ended."""
        return self.popen.poll() is None

    def check(self):
        """StackError if it has ended by itself."""
        if not self.running():
            raise StackError(f"{self.name} ended with status {self.popen.returncode}:\n{self.tail()}")

    def tail(self, lines=15):
        """Its last lines."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def output(self):
        """All that it wrote since it was started."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(self.started_at)
            return file.read()

    def wait_output(self, text, seconds=20.0, after=0):
        """Waits for a text in its output behind offset `after`; returns the offset behind it."""
        def look():
            place = self.output().find(text, after)
            if place < 0:
                self.check()
            return place + len(text) if place >= 0 else 0
        return wait_for(f"'{text}' in the output of {self.name}", look, seconds)

    def tell(self, line):
        """Writes a line to its standard input."""
        self.popen.stdin.write((line + "\n").encode())
        self.popen.stdin.flush()

    def terminate(self, seconds=15.0):
        """SIGTERM; returns the exit status. StackError (and SIGKILL) when it takes too long."""
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise StackError(f"{self.name} did not end within {seconds:g} s of SIGTERM:\n{self.tail()}") from None
        self._close()
        return self.popen.returncode

    def kill(self):
        """SIGKILL."""
        if self.running():
            self.popen.kill()
        self.popen.wait()
        self._close()

    def pause(self):
        """SIGSTOP: it holds its sockets and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def _close(self):
        if self.popen.stdin:
            self.popen.stdin.close()
        self._file.close()


class Stack:
    """Broker and services on loopback ports, with their state in one directory."""

    def __init__(self, directory, broker=True, mqtt=("127.0.0.1", None), coap_port=None, options=None, binaries=None,
                 environment=None):
        self.directory = os.path.abspath(directory)
        os.makedirs(self.directory, exist_ok=True)
        self.with_broker = broker
        self.mqtt_host, self.mqtt_port = mqtt[0], mqtt[1] or free_port()
        self.coap_port = coap_port or free_port(socket.SOCK_DGRAM)
        self.grpc_ports = {name: free_port() for name in SERVICES}
        self.options, self.environment = options or {}, environment or {}
        self.binaries = binaries or os.path.join(ROOT, ".bazel/bin/services")
        self.broker = None
        self.services = {}
        self.others = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(check=False)

    # -- broker ------------------------------------------------------------------------------------------------------
    def start_broker(self):
        """mosquitto as deploy/mosquitto.conf says, on our port, with its queues on disk."""
        with open(os.path.join(ROOT, "deploy/mosquitto.conf"), encoding="utf-8") as file:
            common = file.read()
        path = os.path.join(self.directory, "mosquitto.conf")
        store = os.path.join(self.directory, "mosquitto")
        os.makedirs(store, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(common)
            file.write(f"listener {self.mqtt_port} {self.mqtt_host}\npersistence_location {store}/\n")
            if os.geteuid() == 0:
                file.write("user root\n")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.broker = Process("mosquitto", [program, "-c", path], self.directory)
        wait_for("the broker", lambda: self.broker.check() or _accepts(self.mqtt_host, self.mqtt_port))

    # -- services ----------------------------------------------------------------------------------------------------
    def command(self, name):
        """Command line of a service."""
        at = {n: f"127.0.0.1:{p}" for n, p in self.grpc_ports.items()}
        flags = {"grpc.listen": at[name], "log.format": "json"}
        if name == "connector":
            flags.update({"coap.listen": f"127.0.0.1:{self.coap_port}", "store.path": self._state("connector.db")})
        if name == "synchronizer":
            flags.update({"translation.target": at["translation"], "binding.target": at["mqtt_binding"],
                          "connector.target": at["connector"], "store.path": self._state("synchronizer.db")})
        if name == "mqtt_binding":
            flags.update({"synchronizer.target": at["synchronizer"],
                          "mqtt.broker": f"{self.mqtt_host}:{self.mqtt_port}"})
        flags.update(self.options.get(name, {}))
        return [os.path.join(self.binaries, name, name)] + [f"--{k}={v}" for k, v in flags.items()]

    def _state(self, name):
        return os.path.join(self.directory, name)

    def start_service(self, name, wait=True):
        """Starts one service (again)."""
        self.services[name] = Process(name, self.command(name), self.directory, environment=self.environment)
        if wait:
            self.wait_ready(name)
        return self.services[name]

    def wait_ready(self, name, seconds=20.0):
        """Waits until the service's health says SERVING."""
        process = self.services[name]
        wait_for(f"{name} to be ready", lambda: process.check() or self.healthy(name), seconds)

    def healthy(self, name):
        """grpc.health.v1 says SERVING."""
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_ports[name]}") as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            try:
                return check(b"", timeout=1.0) == b"\x08\x01"
            except grpc.RpcError:
                return False

    def start(self):
        """Broker and services; returns when all are ready."""
        if self.with_broker:
            self.start_broker()
        for name in SERVICES:
            self.start_service(name, wait=False)
        for name in SERVICES:
            self.wait_ready(name)

    def restart_killed(self, name):
        """kill -9 and start again."""
        self.services[name].kill()
        return self.start_service(name)

    # -- devices -----------------------------------------------------------------------------------------------------
    def leshan_device(self, endpoint, *options):
        """A device on Eclipse Leshan's client libraries."""
        command = [os.path.join(ROOT, "tools/leshan_device/device"), f"coap://127.0.0.1:{self.coap_port}", endpoint]
        process = Process("device-" + endpoint, command + [str(o) for o in options], self.directory, stdin=True)
        self.others.append(process)
        return process

    def fleet(self, *options, name="fleet"):
        """Our own devices, one or thousands."""
        command = [os.path.join(ROOT, ".bazel/bin/tools/lwm2m_fleet/lwm2m_fleet"),
                   f"--server=127.0.0.1:{self.coap_port}"]
        process = Process(name, command + [str(o) for o in options], self.directory, stdin=True)
        self.others.append(process)
        return process

    def check(self):
        """StackError if a service or the broker has ended by itself."""
        for process in list(self.services.values()) + ([self.broker] if self.broker else []):
            process.check()

    def stop(self, check=True):
        """Stops devices, services and broker in this order. StackError if a service did not end cleanly."""
        problems = []
        order = self.others + [self.services[n] for n in reversed(SERVICES) if n in self.services]
        for process in order + ([self.broker] if self.broker else []):
            try:
                was_running = process.running()
                status = process.terminate()
                if was_running and status != 0 and process in self.services.values():
                    problems.append(f"{process.name} ended with status {status}:\n{process.tail()}")
            except StackError as error:
                problems.append(str(error))
        self.others, self.services, self.broker = [], {}, None
        if check and problems:
            raise StackError("\n".join(problems))


def _accepts(host, port):
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False
