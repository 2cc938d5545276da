"""oneM2M values between JSON and the contracts (onem2m.v1.Value)."""

from isthmus import contracts


def to_value(data):
    """What json.loads gives, as a Value. Integers stay integers."""
    value = contracts.onem2m.Value()
    if data is None:
        value.null = True
    elif isinstance(data, bool):
        value.boolean = data
    elif isinstance(data, int):
        value.integer = data
    elif isinstance(data, float):
        value.number = data
    elif isinstance(data, str):
        value.text = data
    elif isinstance(data, list):
        value.list.SetInParent()
        value.list.values.extend(to_value(member) for member in data)
    else:
        value.object.SetInParent()
        fill(value.object, data)
    return value


def fill(target, members):
    """A dictionary into an Object."""
    for name, data in members.items():
        target.members.add(name=name, value=to_value(data))


def from_value(value):
    """The same back."""
    kind = value.WhichOneof("kind")
    if kind == "list":
        return [from_value(member) for member in value.list.values]
    if kind == "object":
        return {member.name: from_value(member.value) for member in value.object.members}
    return None if kind in (None, "null") else getattr(value, kind)
