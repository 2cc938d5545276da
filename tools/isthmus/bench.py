"""The main job beside its floors, measured in one run. See tools/bench --help."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from isthmus.application import Application
from isthmus.stack import ROOT, SERVICES, Process, Stack, wait_for
from isthmus.underneath import Underneath

BIN = os.path.join(ROOT, ".bazel/bin")
DEVICES = 64
HOPS = 3  # Handle, the session's round trip, one translation call


def load(program, *arguments):
    """Runs one of the load programs; returns what it measured."""
    result = subprocess.run([os.path.join(BIN, "tools/bench_load", program)] + [str(a) for a in arguments],
                            stdout=subprocess.PIPE, text=True, check=False)
    if not result.stdout.strip():
        raise SystemExit(f"bench: {program} measured nothing")
    return json.loads(result.stdout.strip().split("\n")[-1])


def cpu_seconds(pid):
    """User and system time of a process."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(name, measured, extra=""):
    """One line of the table."""
    print(f"{name:44} {measured['window']:4} {measured['per_second']:9.0f} {measured['p50_ms']:8.3f} "
          f"{measured['p99_ms']:8.3f} {measured['max_ms']:8.2f} {measured['errors']:6}  {extra}", flush=True)


def main():
    """tools/bench."""
    parser = argparse.ArgumentParser(prog="tools/bench")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as directory, Stack(
            directory, options={name: {"log.level": "warning"} for name in SERVICES}) as stack:
        stack.start()
        fleet = stack.fleet(f"--count={DEVICES}", "--lifetime=3600")
        fleet.wait_output("ready", 30)
        admin = Application("CAdmin", stack.mqtt_host, stack.mqtt_port)
        nodes = wait_for("the nodes", lambda: complete(admin), 60)
        batteries = [node + "/battery" for node in nodes]
        for battery in batteries:
            assert admin.retrieve(battery).rsc == 2000
        echo = Process("echo_floor", [os.path.join(BIN, "services/mqtt_binding/echo_floor"),
                                      f"--mqtt.broker={stack.mqtt_host}:{stack.mqtt_port}", "--cse.id=/id-echo"],
                       directory)
        stack.others.append(echo)
        address = Underneath(stack).device(admin.retrieve(nodes[0]).content["ni"]).device.address
        print(f"{'':44} {'in':>4} {'':>9} {'':>8} {'':>8} {'':>8}")
        print(f"{'what':44} {'flight':>4} {'per s':>7} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'errors':>6}")
        floor = {}
        for window in (1, 8, 64):
            count = options.count * (1 if window == 1 else 10)
            before = cpu_seconds(stack.services["translation"].pid)
            floor["call", window] = load("grpc_load", f"127.0.0.1:{stack.grpc_ports['translation']}", window, count)
            used = (cpu_seconds(stack.services["translation"].pid) - before) * 1000 / count
            row("floor: empty gRPC unary call", floor["call", window], f"CPU s per 1000: server alone {used:.3f}")
            floor["coap", window] = load("coap_load", address, "/3/0", window, min(count, 10000))
            row("floor: CoAP GET /3/0 of one device", floor["coap", window])
            before = cpu_seconds(echo.pid)
            floor["echo", window] = load("mqtt_load", stack.mqtt_port, "CAdmin", "id-echo", window, count, "echo")
            used = (cpu_seconds(echo.pid) - before) * 1000 / count
            row("floor: MQTT echo by our adapter", floor["echo", window], f"CPU s per 1000: {used:.3f}")
        for window in (1, 8, 64):
            count = options.count * (1 if window == 1 else 10)
            before = {name: cpu_seconds(stack.services[name].pid) for name in SERVICES}
            measured = load("mqtt_load", stack.mqtt_port, "CAdmin", "id-in", window, count, *batteries)
            used = {name: (cpu_seconds(stack.services[name].pid) - before[name]) * 1000 / count for name in SERVICES}
            row("RETRIEVE [battery], read live", measured,
                "CPU s per 1000: " + ", ".join(f"{n} {s:.3f}" for n, s in used.items()) +
                f", together {sum(used.values()):.3f}")
            missed += judge(window, measured, sum(used.values()), floor)
        missed += translation(stack, directory, options.count)
        admin.close()
        stack.stop()
    for line in missed:
        print("missed: " + line)
    return 1 if options.check and missed else 0


def translation(stack, directory, count):
    """What translation costs by itself and over gRPC; returns the ratios that were missed."""
    print()
    output = subprocess.run([os.path.join(BIN, "services/translation/bench/translation_bench"), directory],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    print(output, end="")
    response_us = float(next(line for line in output.split("\n") if line.startswith("TranslateResponse")).split()[-2])
    missed = judged([("TranslateResponse of [deviceInfo] in process, us", response_us, 3, False)])
    address = f"127.0.0.1:{stack.grpc_ports['translation']}"
    for window in (1, 8, 64):
        calls = count * (1 if window == 1 else 10)
        seconds = {"empty": 0.0, "translated": 0.0}
        for method in ("TranslateRequest", "TranslateResponse"):
            request = os.path.join(directory, method)
            # A field that the health service does not know, so that its request is as long.
            padded = os.path.join(directory, "padded")
            with open(padded, "wb") as file:
                file.write(unknown_field(os.path.getsize(request)))
            empty = load("grpc_load", address, window, calls, padded)
            row(f"floor: empty gRPC call, {os.path.getsize(padded)} octets", empty)
            measured = load("grpc_load", address, window, calls, request,
                            "/isthmus.translation.v1.TranslationService/" + method)
            row(f"{method} of [deviceInfo]", measured)
            seconds["empty"] += 1 / empty["per_second"]
            seconds["translated"] += 1 / measured["per_second"]
        missed += judged([(f"rate of TranslateRequest + TranslateResponse at {window} / empty calls",
                           seconds["empty"] / seconds["translated"], 0.8, True)])
    return missed


def unknown_field(size):
    """A message of about `size` octets with field 1000 alone, of type bytes."""
    length = max(size - 4, 0)
    prefix = b""
    while length > 127:
        prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
    return b"\xc2\x3e" + prefix + bytes([length]) + b"\0" * max(size - 4, 0)


def complete(admin):
    """All nodes with their batteries, or nothing yet."""
    batteries = admin.retrieve("cse-in", fc={"fu": 1, "ty": [13]}).content or []
    batteries = [path for path in batteries if path.endswith("/battery")]
    return [path.rsplit("/", 1)[0] for path in batteries] if len(batteries) >= DEVICES else None


def judge(window, measured, cpu, floor):
    """Prints the ratios that are wanted; returns those that were missed."""
    wanted = []
    if window == 1:
        base = floor["echo", 1]["p50_ms"] + floor["coap", 1]["p50_ms"] + HOPS * floor["call", 1]["p50_ms"]
        wanted.append((f"p50 at 1 in flight / (echo + CoAP + {HOPS} calls)", measured["p50_ms"] / base, 1.25, False))
    if window == 64:
        wanted.append(("rate at 64 in flight / echo", measured["per_second"] / floor["echo", 64]["per_second"], 0.25,
                       True))
    wanted.append((f"CPU seconds per 1000 at {window}", cpu, 0.3, False))
    wanted.append((f"slowest request at {window}, ms", measured["max_ms"], 50, False))
    return judged(wanted)


def judged(wanted):
    """Prints (name, value, limit, is it a lower limit) with its verdict; returns those that were missed."""
    missed = []
    for name, value, limit, at_least in wanted:
        good = value >= limit if at_least else value <= limit
        text = f"{name}: {value:.3f} (wanted {'>=' if at_least else '<='} {limit})"
        print("   " + text + ("" if good else "   <-- missed"))
        if not good:
            missed.append(text)
    return missed


if __name__ == "__main__":
    sys.exit(main())
