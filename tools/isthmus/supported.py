"""tools/supported: what is mapped, from the service itself, beside the rows of the conformance suite that prove it."""

import os
import re
import sys

from isthmus import contracts
from isthmus.stack import ROOT
from isthmus.translate import SERVICE, service

DOCUMENT = os.path.join(ROOT, "SUPPORTED.md")
CORE = "services/translation/core/"
SUITES = ("conformance_test.cc", "conformance_cmdh_test.cc")
STATUSES = "status_grid_test.cc"
OPERATIONS = {"kCreate": "Create", "kRead": "Read", "kWrite": "Write", "kExecute": "Execute", "kDelete": "Delete"}
HEAD = """# What is supported

Written by `tools/supported` from the mappings that the translation service has and from the rows of its conformance suite; a
test keeps it as it is written. Each number is a line of the suite: a value there and back, a code and its meaning.

What is not mapped here is a self-defined `<mgmtObj>`: see `services/translation/data/README.md`.
"""

COMMANDS = "services/synchronizer/core/cse/cse_command_test.cc"
# <mgmtCmd>: the command, what it does, the test that shows it.
COMMAND_ROWS = (
    ("1 RESET", "UPDATE of m2m:rbo, far", "ResetsToTheFactory"),
    ("2 REBOOT", "UPDATE of m2m:rbo, rbo", "RebootsAtOnce"),
    ("3 UPLOAD", "6025: LwM2M has nothing for it", "FailuresOfTheTargetHaveTheirCodes"),
    ("4 DOWNLOAD", "UPDATE of m2m:fwr, url and ud; followed by uds", "DownloadIsPendingUntilTheStatusTellsItsEnd"),
    ("4 DOWNLOAD, cancelled", "UPDATE of m2m:fwr, url empty", "CancelOfADownloadReachesTheDevice"),
    ("5 SOFTWAREINSTALL", "UPDATE of m2m:swr, url and in; followed by ins", "SoftwareIsChosenByNameAndPlace"),
    ("6 SOFTWAREUNINSTALL", "UPDATE of m2m:swr, un; followed by ins", "SoftwareIsChosenByNameAndPlace"),
    ("7 SOFTWAREUPDATE", "UPDATE of m2m:swr, url and in; followed by ins", "SoftwareIsChosenByNameAndPlace"),
    ("wrong cmdType, wrong or missing arguments", "6022, 6023, 6024", "ChecksItsArgumentsAtCreationAndChange"),
    ("cancelled, and the device refuses", "6026", "CancelThatTheDeviceRefusesLeavesItPending"),
    ("cancelled after its end", "6028", "CancelOfADownloadReachesTheDevice"),
    ("cancelled, and cannot be", "6029", "WhatCannotBeTakenBackIsSaid"),
)


def command_lines():
    """The table of commands."""
    with open(os.path.join(ROOT, COMMANDS), encoding="utf-8") as file:
        text = file.read()
    lines = ["", "## Commands (`<mgmtCmd>`)", "", "| command | what happens | test |", "| --- | --- | --- |"]
    for command, effect, test in COMMAND_ROWS:
        line = text.count("\n", 0, text.index(f"TEST_F(CommandTest, {test})")) + 1
        lines.append(f"| {command} | {effect} | {links([f'{COMMANDS}#L{line}'])} |")
    return lines


def rows():
    """{(root, attribute, direction): ["file#Lnn", ...]} and [(operation, coap, rsc, "file#Lnn")] of the suite."""
    attributes, codes = {}, []
    for suite in SUITES:
        with open(os.path.join(ROOT, CORE, suite), encoding="utf-8") as file:
            text = file.read()
        tests = [(found.start(), found[1]) for found in re.finditer(r"^TEST\(\w+, (\w+)\)", text, re.M)]

        def place(at):
            line = text.count("\n", 0, at) + 1
            test = next((name for start, name in reversed(tests) if start < at), "")
            return test, f"{CORE}{suite}#L{line}"

        for found in re.finditer(r'\{"(\w+:\w+)",\s*"(\w+)"', text):
            test, link = place(found.start())
            direction = {"ReadOfEachAttribute": "Read", "UpdateOfEachAttribute": "Update"}.get(test)
            if direction:
                attributes.setdefault((found[1], found[2], direction), []).append(link)
        for found in re.finditer(r"\{Op::(k\w+), (\d+), (\d+)\}", text):
            codes.append((OPERATIONS[found[1]], int(found[2]), int(found[3]), place(found.start())[1]))
    return attributes, codes


def links(places):
    """[59](...), [60](...) of places."""
    return ", ".join(f"[{link.split('#L')[1]}]({link})" for link in places)


def document(mappings):
    """The text, and what has no row."""
    attributes, codes = rows()
    lines, missing, root = [HEAD], [], None
    for mapping in mappings:
        if mapping.root != root:
            root = mapping.root
            lines += ["", f"## {root}", "", "| attribute | on the device | operations | conversion | read | update |",
                      "| --- | --- | --- | --- | --- | --- |"]
        read = attributes.get((root, mapping.attribute, "Read"), [])
        update = attributes.get((root, mapping.attribute, "Update"), [])
        if "Read" in mapping.operations and not read:
            missing.append(f"{root} {mapping.attribute}: no row of ReadOfEachAttribute")
        if {"Write", "Execute"} & set(mapping.operations) and not update:
            missing.append(f"{root} {mapping.attribute}: no row of UpdateOfEachAttribute")
        place = "the IN-CSE alone"
        if mapping.object_id:
            place = mapping.object_id + (f", resource {mapping.resource_id}" if mapping.HasField("resource_id") else "")
        conversion = mapping.conversion.replace("|", "\\|")
        if "m2m:actionStatus" in mapping.conversion:
            conversion += f" ([every state and result]({CORE}{STATUSES}))"
        lines.append(f"| {mapping.attribute} {mapping.attribute_long_name} | {place} | {', '.join(mapping.operations)} |"
                     f" {conversion} | {links(read)} | {links(update)} |")
    lines += ["", "## Codes of the device", "", "| operation | CoAP | response status code | row |", "| --- | --- | --- | --- |"]
    for operation, coap, rsc, link in sorted(codes, key=lambda code: (list(OPERATIONS.values()).index(code[0]), code[1])):
        lines.append(f"| {operation} | {coap // 100}.{coap % 100:02} | {rsc} | {links([link])} |")
    return "\n".join(lines + command_lines()) + "\n", missing


def main():
    """Exit code 1: with --check, the document is old or something has no row."""
    if sys.argv[1:] not in ([], ["--check"]):
        print("supported: expected nothing or --check", file=sys.stderr)
        return 2
    with service("") as address:
        text, missing = document(contracts.call(address, SERVICE + "ListMappings").mappings)
    for problem in missing:
        print(f"supported: {problem}", file=sys.stderr)
    if sys.argv[1:] == []:
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write(text)
        return 1 if missing else 0
    with open(DOCUMENT, encoding="utf-8") as file:
        if file.read() != text:
            print("supported: SUPPORTED.md is not what tools/supported writes; run it", file=sys.stderr)
            return 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
