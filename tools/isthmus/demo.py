"""The story that tools/demo plays."""

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time

from isthmus.application import Application, NoAnswer
from isthmus.stack import SERVICES, Stack, StackError, free_port, wait_for
from isthmus.underneath import Underneath

NAMES = {1000: "ACCEPTED", 2000: "OK", 2001: "CREATED", 2002: "DELETED", 2004: "UPDATED", 4000: "BAD_REQUEST",
         4004: "NOT_FOUND", 4005: "OPERATION_NOT_ALLOWED", 4102: "CONTENTS_UNACCEPTABLE",
         4103: "ORIGINATOR_HAS_NO_PRIVILEGE", 4106: "ORIGINATOR_NOT_AUTHENTICATED",
         6003: "EXTERNAL_OBJECT_NOT_REACHABLE", 6005: "EXTERNAL_OBJECT_NOT_FOUND", 6025: "MGMT_CONVERSION_ERROR"}
GRPC_PORTS = {"synchronizer": 7001, "translation": 7002, "mqtt_binding": 7003, "connector": 7004}
OPERATIONS = {1: "CREATE", 2: "RETRIEVE", 3: "UPDATE", 4: "DELETE", 5: "NOTIFY"}


class Style:
    """Colours, when somebody looks."""

    on = sys.stdout.isatty()

    @classmethod
    def paint(cls, code, text):
        """Text in a colour."""
        return f"\033[{code}m{text}\033[0m" if cls.on else text


def say(text=""):
    """One line of the story."""
    print(text, flush=True)


def chapter(text):
    """Heading."""
    say()
    say(Style.paint("1", "== " + text))


def short(value, limit=320):
    """JSON that fits on the screen."""
    text = json.dumps(value)
    return text if len(text) <= limit else text[:limit] + " ..."


# Common attributes (TS-0001 9.6.1.3) and what does not change: left out so that the rest can be read.
COMMON = {"rn", "ty", "ri", "pi", "ct", "lt", "et", "acpi", "mgd", "obis", "obps"}


def readable(pc):
    """A response content without the common attributes of its resource."""
    if isinstance(pc, dict) and len(pc) == 1:
        (name, content), = pc.items()
        if isinstance(content, dict) and "ri" in content:
            return {name: {k: v for k, v in content.items() if k not in COMMON}}
    return pc


class Story:
    """Plays requests, prints them, and remembers what differed from what was expected."""

    def __init__(self, stack):
        self.stack = stack
        self.underneath = Underneath(stack)
        self.differences = []
        self.steps = 0

    def expect(self, what, holds):
        """A step that must hold."""
        self.steps += 1
        if holds:
            say("   " + Style.paint("32", "ok") + "  " + what)
        else:
            self.differences.append(what)
            say("   " + Style.paint("31", "DIFFERENT FROM WHAT WAS EXPECTED") + "  " + what)

    def request(self, who, primitive, rsc, kind="req", note=None, topic=None):
        """Sends a request, prints it with its answer and what it led to, and checks the response status code."""
        if note:
            say("   " + note)
        say(f"   {who.originator} -> " + Style.paint("36", f"{OPERATIONS.get(primitive['op'])} {primitive['to']}")
            + (f"  {short(primitive['pc'])}" if "pc" in primitive else "")
            + (f"  filter {short(primitive['fc'])}" if "fc" in primitive else ""))
        answer = who.send(primitive, kind=kind, topic=topic)
        name = NAMES.get(answer.rsc, "")
        say(f"      <- {answer.rsc} {name}  {short(readable(answer.pc)) if answer.pc else ''}"
            + Style.paint("2", f"  ({answer.seconds * 1000:.1f} ms)"))
        for line in self.underneath.lines(primitive["rqi"]):
            say(Style.paint("35", "         underneath: " + line))
        self.expect(f"the answer is {rsc} {NAMES.get(rsc, '')}", answer.rsc == rsc)
        if rsc >= 4000:
            self.expect("the answer says why", bool(answer.debug))
        return answer


def play(story, stack):
    """The whole story."""
    admin = Application("CAdmin", stack.mqtt_host, stack.mqtt_port)
    app = Application("Cdemo", stack.mqtt_host, stack.mqtt_port)
    stranger = Application("Cstranger", stack.mqtt_host, stack.mqtt_port)
    try:
        device = discovery(story, stack, admin, app)
        live_values(story, app, device)
        writing(story, app, device)
        rebooting(story, stack, app, device)
        observing(story, app, device)
        second_device(story, stack, app)
        refusals(story, app, stranger)
    finally:
        for one in (admin, app, stranger):
            one.close()


def discovery(story, stack, admin, app):
    """Registration of device and application, and finding each other."""
    chapter("A device appears: it registers at the LwM2M Server, and its oneM2M resources appear by themselves")
    device = stack.leshan_device("demo-device", "--change", "0")
    say("   starting a device that runs Eclipse Leshan's client (objects 1, 3, 5, 6, 3303)")
    device.wait_output("registered demo-device", 60)
    story.request(app, app.primitive(1, "cse-in", {"m2m:ae": {
        "rn": "demo", "api": "Nisthmus.demo", "rr": True, "srv": ["4"]}}, ty=2), 2001, kind="reg_req",
        note="An application registers:")
    story.request(admin, admin.primitive(3, "cse-in/devicesAcp", {"m2m:acp": {"pv": {"acr": [
        {"acor": ["CAdmin", "Cdemo"], "acop": 63}]}}}), 2004,
        note="The administrator lets it manage devices:")
    wanted = {"deviceInfo", "battery", "memory", "reboot", "firmware"}

    def complete():
        answer = app.retrieve("cse-in", fc={"fu": 1, "lbl": ["Iwked-Entity-ID:demo-device"]})
        nodes = answer.pc.get("m2m:uril", []) if answer.rsc == 2000 else []
        if not nodes:
            return False
        found = app.retrieve(nodes[0], fc={"fu": 1, "ty": [13]}).pc.get("m2m:uril", [])
        return nodes if wanted <= {path.split("/")[-1] for path in found} else False
    node = wait_for("the device's resources", complete, 20)[0]
    answer = story.request(app, app.primitive(2, "cse-in", fc={"fu": 1, "lbl": ["Iwked-Entity-ID:demo-device"]}), 2000,
                           note="It finds the node by the label that carries the Endpoint Client Name ...")
    answer = story.request(app, app.primitive(2, node), 2000)
    story.expect("nodeID is the Endpoint Client Name", answer.content.get("ni") == "demo-device")
    answer = story.request(app, app.primitive(2, node, fc={"fu": 1, "ty": [13]}), 2000,
                           note="... and the node's management objects:")
    found = {path.split("/")[-1] for path in answer.content}
    story.expect(f"among them: {', '.join(sorted(wanted))}", wanted <= found)
    return {"process": device, "node": node}


def live_values(story, app, device):
    """RETRIEVE reads the device."""
    chapter("RETRIEVE shows what the device answers at that moment")
    node, process = device["node"], device["process"]
    answer = story.request(app, app.primitive(2, node + "/deviceInfo"), 2000)
    story.expect("manufacturer and model come from the device",
                 answer.content.get("man") == "Leshan Works" and answer.content.get("mod") == "Model 18")
    answer = story.request(app, app.primitive(2, node + "/battery"), 2000)
    story.expect("battery level 77, status 1 (LwM2M says 0, oneM2M counts from 1)",
                 answer.content.get("btl") == 77 and answer.content.get("bts") == 1)
    say("   the battery of the device falls to 41 ...")
    place = len(process.output())
    process.tell("set /3/0/9 41")
    process.wait_output("set /3/0/9", after=place)
    answer = story.request(app, app.primitive(2, node + "/battery"), 2000)
    story.expect("the new level is read", answer.content.get("btl") == 41)
    answer = story.request(app, app.primitive(2, node + "/memory"), 2000)
    story.expect("512 kB of 1000 bytes are 512000 bytes", answer.content.get("mmt") == 512000)


def writing(story, app, device):
    """UPDATE writes to the device."""
    chapter("UPDATE of a writable attribute is written to the device and read back from it")
    answer = story.request(app, app.primitive(3, device["node"] + "/deviceInfo",
                                              {"m2m:dvi": {"syst": "20300101T120000"}}), 2004)
    story.expect("the device's clock stands at noon of 2030-01-01 now",
                 answer.content.get("syst", "").startswith("20300101T1200"))


def rebooting(story, stack, app, device):
    """UPDATE of [reboot] executes."""
    chapter("UPDATE of [reboot] executes /3/0/4; the device leaves and comes back")
    process, node = device["process"], device["node"]
    place = len(process.output())
    answer = story.request(app, app.primitive(3, node + "/reboot", {"m2m:rbo": {"rbo": True}}), 2004)
    story.expect("the attribute reads false: it is a trigger", answer.content.get("rbo") is False)
    process.wait_output("rebooting", after=place)
    process.wait_output("registered demo-device", after=place)
    story.expect("the device has registered again", True)
    back = lambda: "mgca" in (app.retrieve(node).content or {})
    wait_for("the node to be reachable again", back, 15)
    story.request(app, app.primitive(2, node + "/battery"), 2000, note="Its resources are the same as before:")


def observing(story, app, device):
    """A subscription leads to an observation and to notifications."""
    chapter("A <subscription> makes the device be observed; each change becomes a oneM2M notification")
    process, node = device["process"], device["node"]
    answer = story.request(app, app.primitive(1, node + "/battery", {"m2m:sub": {
        "rn": "watch", "nu": ["Cdemo"], "enc": {"net": [1]}, "nct": 1}}, ty=23), 2001)
    wait_for("the device to be observed", lambda: "/3/0/9" in story.underneath.observed("demo-device"), 15)
    while not app.notifications.empty():
        app.notifications.get()
    for level in (30, 29, 28):
        place = len(process.output())
        process.tell(f"set /3/0/9 {level}")
        process.wait_output("set /3/0/9", after=place)
        try:
            while True:
                topic, primitive = app.next_notification()
                content = primitive["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:bat"]
                say(f"   device: battery {level}  =>  NOTIFY on {topic}  {short(readable({'m2m:bat': content}))}")
                if content.get("btl") == level:
                    break
            story.expect(f"the notification says {level}", True)
        except NoAnswer:
            story.expect(f"the notification says {level}", False)
    story.request(app, app.primitive(4, node + "/battery/watch"), 2002, note="No longer of interest:")


def second_device(story, stack, app):
    """Devices come and go."""
    chapter("A second device comes and goes: nothing is deleted, its loss is visible")
    second = stack.leshan_device("second-device", "--lifetime", "300", "--change", "0")
    second.wait_output("registered second-device", 60)

    def node_path():
        return app.retrieve("cse-in", fc={"fu": 1, "lbl": ["Iwked-Entity-ID:second-device"]}).pc.get("m2m:uril")
    node = wait_for("the second node", node_path, 20)[0]
    answer = story.request(app, app.primitive(2, node), 2000)
    story.expect("mgmtClientAddress says where it is", answer.content.get("mgca", "").startswith("coap://"))
    say("   the device de-registers and is gone ...")
    second.terminate()
    wait_for("the loss to be visible", lambda: "mgca" not in app.retrieve(node).content, 15)
    answer = story.request(app, app.primitive(2, node), 2000)
    story.expect("the node is still there, without an address", "mgca" not in answer.content)
    story.request(app, app.primitive(2, node + "/battery"), 6003, note="Its battery cannot be read now:")


def refusals(story, app, stranger):
    """Requests that must fail."""
    chapter("Requests that must fail say why")
    node = app.retrieve("cse-in", fc={"fu": 1, "lbl": ["Iwked-Entity-ID:demo-device"]}).pc["m2m:uril"][0]
    story.request(app, app.primitive(2, node + "/nonsense"), 4004, note="Unknown resource:")
    story.request(stranger, stranger.primitive(2, node + "/battery"), 4103, note="An originator without rights:")
    forged = dict(stranger.primitive(2, node + "/battery"), fr="CAdmin")
    story.request(stranger, forged, 4106, note="An originator that claims to be another:")
    story.request(app, app.primitive(3, node + "/battery", {"m2m:bat": {"colour": "red"}}), 4000,
                  note="An attribute that is not there:")
    story.request(app, app.primitive(3, node + "/deviceInfo", {"m2m:dvi": {"syst": "tomorrow"}}), 4000,
                  note="A value of the wrong type:")


def hand_over(stack):
    """How to go on by hand."""
    chapter("Everything keeps running. Try it by hand (Ctrl-C ends it)")
    port, sync = stack.mqtt_port, stack.grpc_ports["synchronizer"]
    request = json.dumps({"op": 2, "to": "cse-in", "fr": "CAdmin", "rqi": "1", "rvi": "4", "fc": {"fu": 1, "ty": [13]}})
    say("   In one terminal:")
    say(f"      mosquitto_sub -p {port} -v -t '/oneM2M/resp/CAdmin/id-in/#'")
    say("   In another:")
    say(f"      mosquitto_pub -p {port} -t /oneM2M/req/CAdmin/id-in/json -m '{request}'")
    say("   The services over gRPC (reflection is on), for example with grpcurl:")
    for name in SERVICES:
        say(f"      grpcurl -plaintext 127.0.0.1:{stack.grpc_ports[name]} list      # {name}")
    say(f"      grpcurl -plaintext -d '{{\"primitive\":{{\"operation\":2,\"to\":\"cse-in\",\"from\":\"CAdmin\","
        f"\"request_identifier\":\"1\",\"release_version_indicator\":\"4\"}}}}' 127.0.0.1:{sync} "
        "isthmus.onem2m.v1.CseService/Handle")
    say(f"   Devices register at coap://127.0.0.1:{stack.coap_port}; logs and state are in {stack.directory}")


def preferred(port, kind):
    """The port that people expect, or a free one when it is taken."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            return free_port(kind)


def until_stopped(stack):
    """Waits for Ctrl-C; ends early if a service ends by itself."""
    while True:
        stack.check()
        time.sleep(0.5)


def main():
    """tools/demo."""
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--no-broker", action="store_true")
    parser.add_argument("--mqtt")
    parser.add_argument("--coap-port", type=int)
    parser.add_argument("--state")
    options = parser.parse_args()
    host, _, port = (options.mqtt or "127.0.0.1:").rpartition(":")
    if options.mqtt and (not host or not port.isdigit()):
        parser.error(f"--mqtt wants HOST:PORT, not '{options.mqtt}'")
    if options.no_broker and not options.mqtt:
        parser.error("--no-broker wants --mqtt HOST:PORT")
    mqtt = (host, int(port) if port else preferred(1883, socket.SOCK_STREAM))
    coap = options.coap_port or preferred(5683, socket.SOCK_DGRAM)
    directory = options.state or tempfile.mkdtemp(prefix="isthmus-demo-")

    def stop_now(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop_now)
    stack = Stack(directory, broker=not options.no_broker, mqtt=mqtt, coap_port=coap)
    for name, port in GRPC_PORTS.items():
        stack.grpc_ports[name] = preferred(port, socket.SOCK_STREAM)
    status = 1
    try:
        say(f"demo: starting {'' if options.no_broker else 'mosquitto and '}four services on loopback "
            f"(MQTT {mqtt[0]}:{mqtt[1]}, CoAP 127.0.0.1:{coap})")
        stack.start()
        if options.serve:
            hand_over(stack)
            until_stopped(stack)
        story = Story(stack)
        play(story, stack)
        chapter(f"{story.steps - len(story.differences)} of {story.steps} checks went as expected")
        for difference in story.differences:
            say("   different: " + difference)
        status = 1 if story.differences else 0
        if not options.once:
            hand_over(stack)
            until_stopped(stack)
    except KeyboardInterrupt:
        say("\ndemo: stopping")
        status = 0
    except (StackError, NoAnswer) as error:
        say(f"demo: {error}")
        status = 1
    finally:
        try:
            stack.stop()
        except StackError as error:
            say(f"demo: {error}")
            status = 1
        if status == 0 and not options.state:
            shutil.rmtree(directory, ignore_errors=True)
        elif not options.state:
            say(f"demo: logs are in {directory}")
    return status


if __name__ == "__main__":
    sys.exit(main())
