"""oneM2M primitives as octets and back, each serialisation by a library that Isthmus does not use.

    dumps, loads = SERIALIZATIONS["cbor"]
    payload = dumps({"op": 2, "to": "cse-in", "fr": "CAdmin", "rqi": "1", "rvi": "4"})
"""

import json


def _cbor():
    """Loaded when it is wanted: the demo speaks JSON alone."""
    import cbor2
    return cbor2


def _cbor_loads(payload):
    try:
        return _cbor().loads(payload)
    except _cbor().CBORDecodeError as error:
        raise ValueError(error) from None


# Name in the topic: (primitive to octets, octets to primitive; ValueError).
SERIALIZATIONS = {
    "json": (json.dumps, json.loads),
    "cbor": (lambda primitive: _cbor().dumps(primitive), _cbor_loads),
}
