"""oneM2M primitives as octets and back, each serialisation by a library that Isthmus does not use.

    dumps, loads = SERIALIZATIONS["cbor"]
    payload = dumps({"op": 2, "to": "cse-in", "fr": "CAdmin", "rqi": "1", "rvi": "4"})
"""

import json
import re
import xml.etree.ElementTree as ElementTree

M2M = "http://www.onem2m.org/xml/protocols"
# What XML leaves to the schema, as far as applications of ours need it.
TOKENS = {"lbl", "acpi", "obis", "obps", "srv", "nu", "csz", "poa", "acor", "hael", "ptl", "srt", "m2m:uril", "fc/ty"}
REPEATED = {"acr", "enc/net", "ch"}
TEXTS = {"rqi", "rvi", "fr", "to", "ri", "pi", "ct", "lt", "et", "ot", "rn", "srv", "lbl", "m2m:dbg", "val", "dc", "ni"}


def _cbor():
    """Loaded when it is wanted: the demo speaks JSON alone."""
    import cbor2
    return cbor2


def _cbor_loads(payload):
    try:
        return _cbor().loads(payload)
    except _cbor().CBORDecodeError as error:
        raise ValueError(error) from None


def _word(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is(names, parent, name):
    return name in names or f"{parent}/{name}" in names


def _fill(element, parent, members):
    """Members of an object as elements below one."""
    for name, value in members.items():
        if name == "rn" and ":" in parent:
            element.set("rn", value)
            continue
        tokens = isinstance(value, list) and _is(TOKENS, parent, name)
        for one in [" ".join(map(_word, value))] if tokens else value if isinstance(value, list) else [value]:
            child = ElementTree.SubElement(element, name)
            if isinstance(one, dict):
                _fill(child, name, one)
            elif one is not None:
                child.text = _word(one)


def _xml_dumps(primitive):
    root = ElementTree.Element("m2m:rqp" if "op" in primitive else "m2m:rsp", {"xmlns:m2m": M2M})
    _fill(root, "rqp", primitive)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _simple(name, text):
    if text in ("true", "false"):
        return text == "true"
    return int(text) if name not in TEXTS and re.fullmatch(r"-?(0|[1-9]\d*)", text) else text


def _value(element, name):
    if element.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "xs:string":
        return element.text or ""
    attributes = {k: _simple(k, v) for k, v in element.attrib.items() if "}" not in k}
    if len(element) or attributes or (":" in name and not element.text and name not in TOKENS):
        members = attributes
        for child in element:
            _add(members, child, name)
        if element.text and element.text.strip() and not len(element):
            members["val"] = element.text
        return members
    return None if element.text is None else _simple(name, element.text)


def _add(members, child, parent):
    name = child.tag.replace("{" + M2M + "}", "m2m:")
    resource_list = ":" in name and ":" in parent and parent != "m2m:rce"
    if _is(TOKENS, parent, name):
        members.setdefault(name, []).extend(_simple(name, word) for word in (child.text or "").split())
    elif resource_list or _is(REPEATED, parent, name) or name in members:
        if not isinstance(members.setdefault(name, []), list):
            members[name] = [members[name]]
        members[name].append(_value(child, name))
    else:
        members[name] = _value(child, name)


def _xml_loads(payload):
    try:
        root = ElementTree.fromstring(payload)
    except ElementTree.ParseError as error:
        raise ValueError(error) from None
    if root.tag not in ("{" + M2M + "}rqp", "{" + M2M + "}rsp"):
        raise ValueError(f"root {root.tag}")
    return _value(root, "rqp")


# Name in the topic: (primitive to octets, octets to primitive; ValueError).
SERIALIZATIONS = {
    "json": (json.dumps, json.loads),
    "cbor": (lambda primitive: _cbor().dumps(primitive), _cbor_loads),
    "xml": (_xml_dumps, _xml_loads),
}
