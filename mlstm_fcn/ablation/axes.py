"""The axes of an ablation: each is a list of variants to compare, the base first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A network with options, and its training.

    Attributes:
        label: Name of the variant in its axis.
        network: A name of `models.names()`.
        options: Options of the network that differ from its defaults and from `START_OPTIONS`.
        training: Parameters of the estimator that differ from `START`.
    """

    label: str
    network: str = "mlstm_fcn"
    options: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Identifies the network and its training; independent of the label."""
        parts = [self.options, self.training] if self.training else [self.options]
        return " ".join([self.network, *(json.dumps(part, sort_keys=True) for part in parts)])


def _values(option: str, values: list[Any], network: str = "mlstm_fcn", base: Any = None) -> list[Variant]:
    """Variants in one option; `base` is the default of the network."""
    return [Variant(str(value), network, {} if value == base else {option: value}) for value in values]


def _stages() -> list[Variant]:
    stages: list[Any] = [[1], [2], [3], [1, 2]]
    chosen = [Variant(" and ".join(map(str, stage)), options={"se_blocks": stage}) for stage in stages]
    return [Variant("all three"), Variant("none", "lstm_fcn"), *chosen]


NETWORKS: dict[str, list[Variant]] = {
    "reduction": [*_values("reduction", [16, 2, 4, 8, 32], base=16), Variant("none", "lstm_fcn")],
    "squeeze": _values("squeeze", ["mean", "max"], base="mean"),
    "gate": _values("gate", ["sigmoid", "tanh", "relu"], base="sigmoid"),
    "stage": _stages(),
    "integration": [
        *_values("integration", ["standard", "pre", "post", "identity"], "se_resnet", "standard"),
        Variant("none", "resnet"),
    ],
    "host FCN": [Variant("plain", "fcn"), Variant("SE", "mlstm_fcn", {"recurrent": None})],
    "host LSTM-FCN": [Variant("plain", "lstm_fcn"), Variant("SE", "mlstm_fcn")],
    "host ResNet": [Variant("plain", "resnet"), Variant("SE", "se_resnet")],
    "host ResNeXt": [Variant("plain", "resnext"), Variant("SE", "se_resnext")],
    "host VGG": [Variant("plain", "vgg"), Variant("SE", "se_vgg")],
    "host Inception": [Variant("plain", "inception"), Variant("SE", "se_inception")],
    "kernels of MLSTM-FCN": [
        Variant("fixed"),
        Variant("selective, 2 branches", "sk_mlstm_fcn"),
        Variant("selective, 3 branches", "sk_mlstm_fcn", {"selective_branches": 3}),
    ],
    "kernels of ResNeXt": [Variant("fixed", "resnext"), Variant("selective, 2 branches", "sknet")],
}

START: dict[str, Any] = {
    "batch_size": 16,
    "equal_batches": False,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 1e-2,
    "schedule": "cosine",
    "label_smoothing": 0.1,
    "scaling": "channel",
}
"""Parameters of the training of every variant, except the number of epochs: the start of the recipe study."""
START_OPTIONS: dict[str, Any] = {"batch_norm_momentum": 0.9, "dilation_rates": None}
"""Options of the network of every variant, as far as its config has them."""


def _training(name: str, values: list[Any]) -> list[Variant]:
    return [Variant("start"), *(Variant(str(v), training={name: v}) for v in values)]


def _network(name: str, values: list[Any]) -> list[Variant]:
    return [Variant("start"), *(Variant(str(v), options={name: v}) for v in values)]


_DILATED = {"dilation_rates": 0.5}
_BUDGET = {"n_steps": 600}
_BOTH = {"first_differences": True, "dilation_scales": 3}


def _dilated(
    options: list[dict[str, Any]], training: list[dict[str, Any]], base: dict[str, Any] | None = None
) -> list[Variant]:
    """Variants of a network with dilations that follow the length: in its options, then in its training."""
    base = base or {}
    return [
        Variant("dilated", options=_DILATED, training=base),
        *(Variant(_label(change), options={**_DILATED, **change}, training=base) for change in options),
        *(Variant(_label(change), options=_DILATED, training={**base, **change}) for change in training),
    ]


def _label(change: dict[str, Any]) -> str:
    return ", ".join(
        _label(value) if isinstance(value, dict) else f"{name} {value}" for name, value in change.items()
    )


RECIPES: dict[str, list[Variant]] = {
    "epochs": _training("n_epochs", [120]),
    "batch size": _training("batch_size", [8, 32, 64]),
    "learning rate": _training("learning_rate", [3e-3]),
    "weight decay": _training("weight_decay", [0.0, 0.1]),
    "schedule": _training("schedule", ["constant"]),
    "label smoothing": _training("label_smoothing", [0.0, 0.2]),
    "scaling": _training("scaling", ["series", None]),
    "momentum of batch normalisation": _network("batch_norm_momentum", [0.99]),
    "dilation": _network("dilation_rates", [[1, 2, 4], 0.25, 0.5, 1.0]),
    "LSTM units": _network("lstm_units", [64]),
    "dropout": _network("dropout", [0.5]),
    "dimension shuffle": _network("dimension_shuffle", [False]),
    "head": _network("head", ["max"]),
    "LSTM branch": _network("recurrent", [None]),
    "blocks with squeeze-and-excitation": _network("se_blocks", [[1, 2]]),
}
RECIPES |= {
    "steps": _dilated([], [{"n_steps": n_steps} for n_steps in (500, 1000)]),
    "augmentation": _dilated(
        [],
        [
            {"augmentation": {name: strength}}
            for name, strength in (
                ("jitter", 0.1),
                ("scale", 0.1),
                ("channel_dropout", 0.1),
                ("shift", 0.1),
                ("crop", 0.1),
                ("crop", 0.3),
                ("warp", 0.3),
                ("mixup", 0.2),
                ("cutmix", 0.2),
            )
        ],
    ),
    "excitation on dilations": [
        *_dilated([{"se_blocks": [1, 2]}, {"reduction": 4}], []),
        Variant("selective kernels", "sk_mlstm_fcn", _DILATED),
    ],
    "dropout on dilations": _dilated([{"dropout": 0.5}], []),
    "training on dilations": _dilated([], [{"average_weights": 0.98}, {"batch_size": 8}]),
}

RECIPES |= {
    "first differences and dilation scales": _dilated(
        [
            {"first_differences": True},
            {"dilation_scales": 2},
            {"dilation_scales": 3},
            _BOTH,
            {**_BOTH, "dilation_rates": 1.0},
        ],
        [],
        _BUDGET,
    ),
    "order of LSTM steps": _dilated(
        [{"dimension_shuffle": "both"}, {"dimension_shuffle": False}], [], _BUDGET
    ),
    "optimizer": _dilated(
        [],
        [
            {"optimizer": "adam", "weight_decay": None},
            {"optimizer": "sgd", "weight_decay": None, "learning_rate": 0.05},
            {"optimizer": "lion", "weight_decay": None, "learning_rate": 1e-4},
        ],
        _BUDGET,
    ),
    "batches": _dilated([], [{"equal_batches": True}], _BUDGET),
    "stopping": _dilated(
        [],
        [
            {"keep_best": True},
            {"validation_split": 0.2, "keep_best": True},
            {"validation_split": 0.2, "patience": 30, "n_steps": 1800, "schedule": "plateau"},
        ],
        _BUDGET,
    ),
    "epochs on dilations": _dilated(
        [], [{"n_epochs": n_epochs} for n_epochs in (40, 60, 120)], {"n_epochs": 20}
    ),
    "kernels on dilations": [
        Variant("fixed", options=_DILATED, training=_BUDGET),
        Variant("selective, 2 branches", "sk_mlstm_fcn", _DILATED, _BUDGET),
    ],
    "members": [
        Variant("one network", options=_DILATED, training=_BUDGET),
        Variant("three, by seed", options=_DILATED, training={**_BUDGET, "n_members": 3}),
        Variant(
            "three, by seed and view",
            options=_DILATED,
            training={
                **_BUDGET,
                "n_members": 3,
                "member_options": [{}, {"first_differences": True}, {"dilation_scales": 3}],
            },
        ),
    ],
}

AXES = {**NETWORKS, **RECIPES}
