"""tools/translate: the translation service on the command line."""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

import grpc
from google.protobuf import json_format

from isthmus import contracts
from isthmus.stack import ROOT, Process, StackError, free_port, wait_for
from isthmus.underneath import path_text
from isthmus.values import fill, from_value, to_value

SERVICE = "isthmus.translation.v1.TranslationService/"
USUAL = "127.0.0.1:7002"
BINARY = os.path.join(ROOT, ".bazel/bin/services/translation/translation")
OPERATIONS = {"create": 1, "retrieve": 2, "update": 3, "delete": 4}
GENERIC = "m2m:mgo"


class Problem(Exception):
    """What the one who called did wrong, or what is missing; the message is for them."""


def answers(address, seconds):
    """Does somebody answer at the address within the time?"""
    with grpc.insecure_channel(address) as channel:
        with contextlib.suppress(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(timeout=seconds)
            return True
    return False


@contextlib.contextmanager
def service(address):
    """The address of a service that answers; one is started when none was named and none is there."""
    if address:
        if not answers(address, 3):
            raise Problem(f"--address: nobody answers at {address}")
        yield address
        return
    if answers(USUAL, 0.3):
        yield USUAL
        return
    build = subprocess.run(["bazel", "build", "--noshow_progress", "--ui_event_filters=-info", "--show_result=0",
                            "//services/translation"], cwd=ROOT, check=False)
    if build.returncode != 0:
        raise Problem("the translation service cannot be built; name one that runs with --address")
    with tempfile.TemporaryDirectory() as directory:
        address = f"127.0.0.1:{free_port()}"
        process = Process("translation", [BINARY, "--grpc.listen", address], directory)
        try:
            wait_for("the translation service", lambda: process.check() or answers(address, 0.5))
            yield address
        finally:
            process.terminate()


def as_json(text, what):
    """A JSON object from the command line."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Problem(f"{what}: no JSON: {error}") from None
    if not isinstance(data, dict):
        raise Problem(f"{what}: expected a JSON object, as '{{\"btl\": 5}}'")
    return data


def parse_path(text, what):
    """ "/3/0/9" as a lwm2m.v1.Path. """
    if not re.fullmatch(r"(/\d+){1,4}", text):
        raise Problem(f"{what}: expected a path as /3/0/9, got '{text}'")
    names = ("object_id", "object_instance_id", "resource_id", "resource_instance_id")
    return contracts.lwm2m.Path(**dict(zip(names, (int(part) for part in text.split("/")[1:]))))


def resource_of(address, options):
    """The <mgmtObj> that the options tell of."""
    resource = contracts.onem2m.Resource(root=options.root)
    urn = options.object
    if not urn and options.root != GENERIC:
        listed = contracts.call(address, SERVICE + "ListMappings", root=options.root)
        urn = next((mapping.object_id for mapping in listed.mappings if mapping.object_id), "")
    if not urn:
        raise Problem("--object: expected the URN of the object, as urn:oma:lwm2m:ext:3303")
    resource.object_ids.append(urn)
    parts = urn.split(":")
    object_id = parts[4] if len(parts) > 4 else "0"
    # Of a creation the device chooses the instance, unless one is named.
    resource.object_paths.append(options.path or f"/{object_id}" + ("" if options.command == "create" else "/0"))
    fill(resource.attributes, as_json(options.kept, "--kept"))
    return resource


def explain(address, options):
    """create, retrieve, update, delete."""
    request = contracts.translation.TranslateRequestRequest(resource=resource_of(address, options))
    request.primitive.operation = OPERATIONS[options.command]
    if options.command == "retrieve":
        request.wanted_attributes.extend(options.attributes)
    if options.command in ("create", "update"):
        content = request.primitive.primitive_content
        content.name = options.root
        content.value.CopyFrom(to_value(as_json(options.content, "content")))
    answer = contracts.call(address, SERVICE + "Explain", request=contracts.translation.ExplainRequest(request=request))
    return answer, answer.text.rstrip("\n")


def lwm2m_value(text):
    """ 21.5, true, "x": as JSON; what is no JSON is text. """
    value = contracts.lwm2m.Value()
    try:
        data = json.loads(text)
    except ValueError:
        data = text
    kinds = {bool: "boolean", int: "integer", float: "floating", str: "text"}
    if type(data) not in kinds:
        raise Problem(f"value '{text}': expected a number, true, false or text")
    setattr(value, kinds[type(data)], data)
    return value


def notify(address, options):
    """Values of a device -> attributes."""
    resource = resource_of(address, options)
    request = contracts.translation.TranslateNotificationRequest()
    request.resources.add(id="resource", resource=resource)
    for given in options.values:
        path, equals, value = given.partition("=")
        if not equals:
            raise Problem(f"value '{given}': expected PATH=VALUE, as /3/0/9=80")
        request.nodes.add(path=parse_path(path, "value"), value=lwm2m_value(value))
    request.observed_path.CopyFrom(parse_path(resource.object_paths[0], "--path"))
    answer = contracts.call(address, SERVICE + "TranslateNotification", request=request)
    lines = [f"{attribute.name} = {json.dumps(from_value(attribute.value), ensure_ascii=False)}"
             for change in answer.changes for attribute in change.attributes]
    lines += [f"not converted: {problem}" for problem in answer.problems]
    return answer, "\n".join(lines) or f"nothing of this is an attribute of {options.root}"


def device(address, options):
    """Objects of a device -> its resources."""
    request = contracts.translation.DescribeDeviceRequest(endpoint=options.endpoint)
    for link in filter(None, options.links.split(",")):
        found = re.fullmatch(r"\s*<(/\d+(?:/\d+)?)/?>(?:;ver=\"?([\d.]+)\"?)?\s*", link)
        if not found:
            raise Problem(f"link '{link}': expected links as a device registers them, as '</3/0>,</3303>;ver=1.1'")
        request.links.add(path=parse_path(found[1], "link"), version=found[2] or "")
    answer = contracts.call(address, SERVICE + "DescribeDevice", request=request)
    lines = [f"<node> with nodeID {answer.node_id}"]
    for described in answer.management_objects:
        resource = described.resource
        lines.append(f"  {described.resource_name:<20} {resource.root} on {resource.object_ids[0]} at"
                     f" {resource.object_paths[0]}; observed: {', '.join(map(path_text, described.observe_paths)) or '-'}")
    return answer, "\n".join(lines)


def listing(address, options):
    """The mapping entries."""
    answer = contracts.call(address, SERVICE + "ListMappings", root=options.root)
    lines = []
    for mapping in answer.mappings:
        place = f"{mapping.object_id} {mapping.resource_id}" if mapping.object_id else "-"
        lines.append(f"{mapping.root:<9} {mapping.attribute:<8} {mapping.attribute_long_name:<28} {place:<32}"
                     f" {', '.join(mapping.operations):<12} {mapping.conversion}  ({mapping.clause})")
    return answer, "\n".join(lines)


def parse(arguments):
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--address", default="")
    common.add_argument("--json", action="store_true")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("root")
    place.add_argument("--path", default="")
    place.add_argument("--object", default="")
    place.add_argument("--kept", default="{}")
    parser = argparse.ArgumentParser(prog="tools/translate")
    commands = parser.add_subparsers(dest="command", required=True)
    retrieve = commands.add_parser("retrieve", parents=[common, place])
    retrieve.add_argument("attributes", nargs="*")
    for name in ("create", "update"):
        commands.add_parser(name, parents=[common, place]).add_argument("content")
    commands.add_parser("delete", parents=[common, place])
    notification = commands.add_parser("notify", parents=[common, place])
    notification.add_argument("values", nargs="+")
    described = commands.add_parser("device", parents=[common])
    described.add_argument("endpoint")
    described.add_argument("links")
    mappings = commands.add_parser("list", parents=[common])
    mappings.add_argument("root", nargs="?", default="")
    return parser.parse_args(arguments)


def main():
    """Exit code 1: the service refused what was asked; 2: the command line is wrong."""
    options = parse(sys.argv[1:])
    run = {"notify": notify, "device": device, "list": listing}.get(options.command, explain)
    try:
        with service(options.address) as address:
            answer, text = run(address, options)
    except (Problem, StackError) as problem:
        print(f"translate: {problem}", file=sys.stderr)
        return 2
    except grpc.RpcError as error:
        print(f"translate: {error.code().name}: {error.details()}", file=sys.stderr)
        for field, reason, _ in contracts.invalid_fields(error):
            print(f"translate: field {field}: {reason}", file=sys.stderr)
        return 1
    print(json_format.MessageToJson(answer, preserving_proto_field_name=True) if options.json else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
