"""Random changes of bytes and of JSON values."""

import copy

VALUES = (
    *(None, True, False, 0, -1, 1, 10**9, 10**30, -(2**63), 1e308, float("nan"), float("inf"), 0.5),
    *("", "a", "../../etc/passwd", "<U500000000", "O", "V8", "\ud800", "a" * 5000),
    *([], {}, [[]], [None], [1] * 50, {"a": 1}, {"items": [[1, 2]]}, {"recipe": {}}),
    *({"recipe": {"n_epochs": "x"}}, {"engine": {"n_jobs": 0}}, {"class_name": "system", "module": "os"}),
    {"class_name": "Lambda", "module": "keras.layers", "config": {}},
)
"""What replaces values of JSON."""


def mutated_bytes(content, rnd):
    """Bits flipped, bytes replaced, a digit changed, a piece doubled, or the end cut off."""
    content = bytearray(content)
    for _ in range(rnd.randint(1, 4)):
        place, kind = rnd.randrange(len(content) + 1), rnd.random()
        if kind < 0.4 and place < len(content):
            content[place] ^= 1 << rnd.randrange(8)
        elif kind < 0.6 and place < len(content):
            content[place] = rnd.choice(b"\x00\xff9")
        elif kind < 0.75:
            digits = [at for at in range(min(len(content), 20_000)) if 48 <= content[at] < 58]
            if digits:
                content[rnd.choice(digits)] = rnd.choice(b"0123456789")
        elif kind < 0.9:
            content[place:place] = content[place : place + rnd.randint(1, 200)]
        else:
            del content[place:]
    return bytes(content)


def mutate_json(value, rnd):
    """Replace, drop or double some values of nested dictionaries and lists, in place."""
    for _ in range(rnd.randint(1, 3)):
        places = [(part, key) for part in _containers(value) for key in _keys(part)]
        if not places:
            return
        part, key = rnd.choice(places)
        kind = rnd.random()
        if kind < 0.1:
            del part[key]
        elif kind < 0.2 and isinstance(part[key], int) and not isinstance(part[key], bool):
            part[key] = part[key] * rnd.choice((2, 10**5, 10**9))
        elif kind < 0.3 and isinstance(part, list):
            part[key:key] = copy.deepcopy(part[key:] * rnd.choice((1, 3)))
        else:
            part[key] = copy.deepcopy(rnd.choice(VALUES))


def _containers(value):
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _containers(item)


def _keys(part):
    return list(part) if isinstance(part, dict) else range(len(part))
