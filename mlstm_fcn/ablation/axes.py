"""What is compared with what: the axes of an ablation, each a list of variants, the base first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A network of the table, with options.

    Attributes:
        label: What it is called in its axis.
        network: A name that `models.build` knows.
        options: Options that differ from the network's.
    """

    label: str
    network: str = "mlstm_fcn"
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same text for the same network, whatever it is called."""
        return f"{self.network} {json.dumps(self.options, sort_keys=True)}"


def _values(option: str, values: list[Any], network: str = "mlstm_fcn", base: Any = None) -> list[Variant]:
    """Variants in one option; `base` is what the network has anyway."""
    return [Variant(str(value), network, {} if value == base else {option: value}) for value in values]


def _stages() -> list[Variant]:
    stages: list[Any] = [[1], [2], [3], [1, 2]]
    chosen = [Variant(" and ".join(map(str, stage)), options={"se_blocks": stage}) for stage in stages]
    return [Variant("all three"), Variant("none", "lstm_fcn"), *chosen]


AXES: dict[str, list[Variant]] = {
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
