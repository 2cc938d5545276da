"""The contracts of proto/ in Python: messages, and calls of services by name.

    from isthmus import contracts
    answer = contracts.call(address, "isthmus.connector.v1.ConnectorService/GetDevice", endpoint="demo-device")
"""

import glob
import importlib
import os
import subprocess
import sys

import grpc

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATED = os.path.join(ROOT, ".cache/python")


def _generate():
    """Messages by protoc, again when a contract is newer."""
    sources = sorted(glob.glob(os.path.join(ROOT, "proto/isthmus/*/v1/*.proto")))
    stamp = os.path.join(GENERATED, ".stamp")
    if not os.path.exists(stamp) or os.path.getmtime(stamp) < max(os.path.getmtime(s) for s in sources):
        os.makedirs(GENERATED, exist_ok=True)
        subprocess.run(["protoc", "-I" + os.path.join(ROOT, "proto"), "--python_out=" + GENERATED] + sources, check=True)
        with open(stamp, "w", encoding="utf-8"):
            pass


_generate()
# The generated package is called `isthmus` too: join its folder to ours.
sys.modules[__package__].__path__.append(os.path.join(GENERATED, "isthmus"))
onem2m = importlib.import_module("isthmus.onem2m.v1.primitive_pb2")
cse = importlib.import_module("isthmus.onem2m.v1.cse_pb2")
lwm2m = importlib.import_module("isthmus.lwm2m.v1.lwm2m_pb2")
session = importlib.import_module("isthmus.session.v1.session_pb2")
translation = importlib.import_module("isthmus.translation.v1.translation_pb2")
connector = importlib.import_module("isthmus.connector.v1.connector_pb2")
status = importlib.import_module("isthmus.status.v1.status_pb2")


def invalid_fields(error):
    """[(field, reason, description)] of a grpc.RpcError; empty when it names none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return [(violation.field, violation.reason, violation.description)
                    for detail in status.Status.FromString(value).details
                    for violation in status.BadRequest.FromString(detail.value).field_violations]
    return []


def call(address, method, timeout=5.0, request=None, **fields):
    """A unary call; the request is given whole or by its fields."""
    service_name, method_name = method.split("/")
    for module in (cse, session, translation, connector):
        service = module.DESCRIPTOR.services_by_name.get(service_name.split(".")[-1])
        if service is not None and service.full_name == service_name:
            break
    else:
        raise ValueError(f"no service {service_name} in the contracts")
    descriptor = service.methods_by_name[method_name]
    package = importlib.import_module(module.__name__)
    input_class = getattr(package, descriptor.input_type.name)
    output_class = getattr(package, descriptor.output_type.name)
    with grpc.insecure_channel(address) as channel:
        stub = channel.unary_unary("/" + method, request_serializer=input_class.SerializeToString,
                                   response_deserializer=output_class.FromString)
        return stub(request if request is not None else input_class(**fields), timeout=timeout)
