"""The public API is what is committed in public_api.txt, has type hints, and is documented."""

import inspect

import pytest

from tests import public_api


@pytest.fixture(scope="module")
def shown():
    """Public objects of this package, and methods and properties of its classes, by name."""
    return dict(
        pair
        for name, value in public_api.public_names().items()
        for pair in public_api.functions(name, value)
    )


def test_the_public_api_is_the_committed_one():
    """A new, changed or lost name is a decision: `python -m tests.public_api`, and a line in CHANGELOG.md."""
    committed = public_api.COMMITTED.read_text(encoding="utf-8").splitlines()
    now = public_api.lines()
    assert {"new": sorted(set(now) - set(committed)), "lost": sorted(set(committed) - set(now))} == {
        "new": [],
        "lost": [],
    }
    assert now == committed
    assert len(now) > 400


def test_a_changed_default_and_a_lost_parameter_are_seen():
    def before(series, *, size=3):
        return series, size

    def after(series, *, size=4):
        return series, size

    def shorter(series):
        return series

    assert public_api.signature(before) == "(series, *, size=3)"
    assert len({public_api.signature(function) for function in (before, after, shorter)}) == 3


def test_methods_of_classes_are_listed_and_private_ones_are_not():
    class Shown:
        def method(self):
            pass

        @property
        def value(self):
            return 1

        def _hidden(self):
            pass

    Shown.method.__module__ = Shown.value.fget.__module__ = "mlstm_fcn"
    assert [name for name, _ in public_api.functions("Shown", Shown)] == [
        "Shown",
        "Shown.method",
        "Shown.value",
    ]


def untyped(value):
    """Parameters without type hint, and `return` if a result has none."""
    is_class = inspect.isclass(value)
    if is_class:  # an inherited constructor has the types of its class; a protocol has none
        value = None if getattr(value, "_is_protocol", False) else vars(value).get("__init__")
    value = getattr(value, "fget", getattr(value, "func", value))
    if not inspect.isfunction(value):
        return []
    signature = inspect.signature(value)
    bare = {key for key, one in signature.parameters.items() if one.annotation is one.empty} - {"self", "cls"}
    return sorted(
        bare | ({"return"} if signature.return_annotation is signature.empty and not is_class else set())
    )


def typed_attributes(name, value):
    """Names that a class or its bases give a type."""
    bases = value.__mro__ if inspect.isclass(value) else ()
    return {f"{name}.{key}" for base in bases for key in vars(base).get("__annotations__", ())}


def test_every_public_function_has_type_hints(shown):
    """Of layers, constructors only: Keras' tensors have no types."""
    typed = {one for name, value in shown.items() for one in typed_attributes(name, value)}
    typed |= {
        name
        for name, value in shown.items()
        if name.startswith("mlstm_fcn.layers.") and not inspect.isclass(value)
    }
    assert {
        name: bare for name, value in shown.items() if name not in typed and (bare := untyped(value))
    } == {}


def test_a_missing_type_hint_is_seen():
    def half(series: list, size) -> int:
        return size

    class Bare:
        def __init__(self, size):
            self.size = size

    assert untyped(half) == ["size"]
    assert untyped(Bare) == ["size"]
    assert untyped(property(lambda self: 1)) == ["return"]


def test_every_public_class_and_function_says_what_it_does(shown):
    own = {
        name: value for name, value in shown.items() if inspect.isclass(value) or inspect.isfunction(value)
    }
    keras = {
        "build",
        "call",
        "compute_mask",
        "compute_output_shape",
        "get_config",
    }  # documented by their class
    assert [
        name for name, value in own.items() if not (value.__doc__ or name.rpartition(".")[2] in keras)
    ] == []
    assert len(own) > 250
