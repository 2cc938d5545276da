"""Runs the steps of tools/test and counts what they did. See tools/test --help."""

import argparse
import glob
import os
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SILENCE = 1200  # seconds; a quarter of an hour is the longest that a test says nothing
BUF = os.path.join(ROOT, ".cache/buf/node_modules/.bin/buf")


class Count:
    """What a step counted."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def run(command, **keywords):
    """Runs a command in the root folder; returns the completed process."""
    return subprocess.run(command, cwd=ROOT, check=False, **keywords)


def output(command):
    """Standard output of a command that has to succeed."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def tracked(pattern):
    """Files of the project (also new ones) whose name matches."""
    names = output(["git", "ls-files", "--cached", "--others", "--exclude-standard"]).split("\n")
    return [n for n in names if re.search(pattern, n) and os.path.exists(os.path.join(ROOT, n))]


def check(name, command):
    """One lint check: one test."""
    result = run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(f"  {name}: {'ok' if result.returncode == 0 else 'FAILED'}", flush=True)
    if result.returncode != 0:
        print("\n".join(result.stdout.split("\n")[:40]))
    return Count(passed=int(result.returncode == 0), failed=int(result.returncode != 0))


def lint(_):
    """Formats, contracts, scripts."""
    count = Count()
    count.add(check("clang-format", ["clang-format-14", "--dry-run", "--Werror"] + tracked(r"\.(h|cc)$")))
    count.add(check("buf lint (contracts)", [BUF, "lint", "proto"]))
    shell = [n for n in tracked(r"^(tools|tests|deploy|\.ci)/") if first_line(n).startswith(("#!/usr/bin/env bash", "#!/bin/sh"))]
    count.add(check("shellcheck", ["shellcheck"] + shell))
    count.add(check("python syntax", ["/usr/bin/python3", "-m", "compileall", "-q"] + tracked(r"\.py$")))
    return count


def first_line(name):
    """First line of a text file, or an empty one."""
    try:
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            return file.readline()
    except (UnicodeDecodeError, IsADirectoryError):
        return ""


def bazel_tests(flags, query):
    """Runs the tests that a query names and counts their cases."""
    targets = output(["bazel", "query", "--noshow_progress", query]).split()
    if not targets:
        return Count(failed=1)
    quiet = [] if sys.stdout.isatty() else ["--noshow_progress"]
    # Built first, then run one at a time: a test that shares its core with a compiler measures the compiler.
    run(["bazel", "build"] + flags + ["--keep_going"] + quiet + targets)
    result = run(["bazel", "test"] + flags + ["--keep_going", "--local_test_jobs=1"] + quiet + targets)
    logs = output(["bazel", "info"] + flags + ["--noshow_progress", "bazel-testlogs"]).strip()
    count = Count()
    for target in targets:
        count.add(count_cases(logs, target))
    if result.returncode != 0 and count.failed == 0:
        count.failed += 1
    return count


def count_cases(logs, target):
    """Cases of one test target, from the XML that it wrote (one for each shard)."""
    package, name = target[2:].split(":")
    files = glob.glob(os.path.join(logs, package, name, "**", "test.xml"), recursive=True)
    count = Count()
    for file in files:
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError:
            return Count(failed=1)
        for suite in root.iter("testsuite"):
            total = int(suite.get("tests", 0))
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
            count.add(Count(total - bad - skipped, bad, skipped))
            for case in suite.iter("testcase"):
                for reason in case.iter("skipped"):
                    print(f"  skipped {case.get('classname')}.{case.get('name')}: {reason.get('message', '')}")
    if not files:
        print(f"  {target}: not built or not run")
        return Count(failed=1)
    return count


def unit(_):
    """Every Bazel test, built with gcc."""
    return bazel_tests([], "tests(//...)")


def sanitize(_):
    """The same with clang, layering_check, address and undefined behaviour sanitizers."""
    return bazel_tests(["--config=clang", "--config=asan"], 'tests(//...) except attr(tags, "nosan", //...)')


def race(options):
    """What has threads but no gRPC and no network, with the thread sanitizer; what has no threads too with --long."""
    query = ("tests(//services/...) except rdeps(//services/..., @system//:grpc)"
             " except rdeps(//services/..., @system//:paho)")
    if not options.long:
        # Pure functions: they share nothing, so that there is nothing to race for.
        for pure in ("translation/core", "lib/lwm2m", "lib/onem2m", "lib/cbor", "lib/utf8"):
            query += f" except //services/{pure}/..."
    return bazel_tests(["--config=tsan"], query)


def watch(process):
    """A timer that ends a process which says nothing for too long: each test has a bound, so something else hangs."""
    def end():
        print(f"  nothing was heard for {SILENCE} s: ended", flush=True)
        process.kill()
    timer = threading.Timer(SILENCE, end)
    timer.daemon = True
    timer.start()
    return timer


def integration(options):
    """The real programs with their real neighbours."""
    if run(["bazel", "build", "--noshow_progress", "//services/...", "//tools/..."]).returncode != 0:
        return Count(failed=1)
    if run(["tools/leshan_device/build_device"]).returncode != 0:
        return Count(failed=1)
    # When so many fail, they share a reason, and each of the rest would wait for what does not come.
    command = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-rs", "--maxfail=20",
               "-o", "faulthandler_timeout=150", "tests"]
    if not options.long:
        command += ["-m", "not long"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    last = ""
    silence = watch(process)
    for line in process.stdout:
        silence.cancel()
        silence = watch(process)
        print("  " + line, end="", flush=True)
        if line.strip():
            last = line
    process.wait()
    silence.cancel()
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    count = Count(found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0))
    if process.returncode != 0 and count.failed == 0:
        count.failed = 1
    return count


STEPS = {"lint": lint, "unit": unit, "integration": integration, "sanitize": sanitize, "race": race}


def main():
    """Runs the steps that were asked for."""
    parser = argparse.ArgumentParser(prog="tools/test")
    parser.add_argument("--quick", action="store_true", help="without the sanitizer and clang builds")
    parser.add_argument("--long", action="store_true", help="with the runs that take longer than minutes")
    parser.add_argument("--only", choices=list(STEPS), help="one step")
    options = parser.parse_args()
    names = [options.only] if options.only else list(STEPS)
    if options.quick:
        names = [n for n in names if n not in ("sanitize", "race")]
    total = Count()
    summary = []
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}: {STEPS[name].__doc__}", flush=True)
        begin = time.monotonic()
        count = STEPS[name](options)
        total.add(count)
        summary.append((name, count, time.monotonic() - begin))
        print(f"[{number}/{len(names)}] {name}: {count.passed} passed, {count.failed} failed, {count.skipped} skipped"
              f" in {summary[-1][2]:.0f} s", flush=True)
    print()
    for name, count, seconds in summary:
        print(f"{name:12} {count.passed:5} passed {count.failed:4} failed {count.skipped:4} skipped {seconds:6.0f} s")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
