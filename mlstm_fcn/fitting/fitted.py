"""A fitted network: what comes out of a fit, and all that predicting, saving and exporting need."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if

from mlstm_fcn import engine
from mlstm_fcn._checks import require
from mlstm_fcn._randomness import seeded
from mlstm_fcn.fitting.history import History
from mlstm_fcn.fitting.inputs import Batch, InputPolicy, ends_early
from mlstm_fcn.fitting.names import Names, in_order
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.fitting.reference import Reference
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.fitting.variants import Variants
from mlstm_fcn.loaders.batches import series_of
from mlstm_fcn.loaders.series import is_loader
from mlstm_fcn.memmap import chunks
from mlstm_fcn.models.ensemble import ensemble, members, shares
from mlstm_fcn.models.pipeline import compose, split, takes_mask, with_mask, without_filling
from mlstm_fcn.models.transfer import copy_weights

_LARGE = 1 << 20  # values; in more, looking for gaps in the graph takes long


@dataclass(frozen=True)
class Member:
    """A network that votes, however it was trained.

    Attributes:
        network: From `(batch, time, channels)`, scaled and without gaps, perhaps with a mask, to outputs.
        options: The options that it was built with.
        history: Figures of each epoch, by name.
    """

    network: keras.Model
    options: Mapping[str, Any]
    history: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A trained network with its preprocessing.

    Attributes:
        keras_model: From raw series `(batch, time, channels)` to outputs in the unit of the data.
        spec: What was built.
        options: Options of each member, those that follow the length of the training series as numbers.
        task: What the outputs are for.
        inputs: How series are read.
        history: Figures of each epoch by name, means over the members that had the epoch.
        epochs_trained: Number of epochs, including those of earlier fits that this one continues.
        precision: Arithmetic of the last training, see `mlstm_fcn.Engine`; the network is float32.
        channel_names: The columns of the frames that it was fitted to, in order; None if they were arrays.
        reference: The features of its training series, for `trust.unlikeness`; None until `trust.remember`.
        held_back: Whether the last fit's `validation_split` held each case back, bool `(cases,)`; None
            without one. Files do not keep it.
    """

    keras_model: keras.Model
    spec: NetworkSpec
    options: tuple[Mapping[str, Any], ...]
    task: Task
    inputs: InputPolicy
    history: History = field(default_factory=dict)
    epochs_trained: int = 0
    precision: engine.Precision = "float32"
    channel_names: Names | None = None
    reference: Reference | None = None
    held_back: np.ndarray | None = None
    _variants: Variants = field(default_factory=Variants, repr=False)

    def __reduce__(self) -> Any:
        """As bytes of the Keras model, which a fork of a process that uses the backend cannot restore."""
        others = {name: value for name, value in vars(self).items() if name != "keras_model"}
        return _restored, (pickle.dumps(self.keras_model), others)

    @property
    def preprocessor(self) -> keras.Model:
        """Scaling and filling in: from raw series to series as the members read them."""
        return split(self.keras_model)[0]

    @property
    def network(self) -> keras.Model:
        """The network, or the ensemble of several."""
        return split(self.keras_model)[1]

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks that vote."""
        return tuple(map(Member, members(self.network), self.options))

    @property
    def time(self) -> int | None:
        """The length that the network fixes, or None."""
        return self.keras_model.input_shape[1]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.keras_model.input_shape[2]

    @property
    def takes_mask(self) -> bool:
        """Whether the network reads a mask, so that series may end early."""
        return takes_mask(self.network)

    def require_same(self, spec: NetworkSpec, inputs: InputPolicy) -> None:
        """Raise if training cannot continue with another spec or policy.

        Raises:
            ValueError: Names what differs.
        """
        changed = {**spec.differs_from(self.spec), **inputs.differs_from(self.inputs)}
        rule = "`warm_start`, `partial_fit` and `fine_tune` cannot change the network, "
        require(not changed, f"{rule}`scaling` or `missing`.", **changed)

    def reading(self, inputs: InputPolicy, spec: NetworkSpec | None = None) -> FittedNetwork:
        """The same network with another policy for series that are too long or miss values.

        A spec gives it the function that made it, where a file has lost it.

        Raises:
            ValueError: If the policy differs in what the network has built in.
        """
        changed = inputs.cannot_read_for(self.inputs)
        rule = "`scaling` and `missing` are part of the fitted network; fit again to change them."
        require(not changed, rule, **changed)
        if spec is not None and spec.has_function_of(self.spec):
            return replace(self, inputs=inputs, spec=spec)
        return self if inputs == self.inputs else replace(self, inputs=inputs)

    def outputs(self, X: Any) -> np.ndarray:
        """The outputs for series, `(cases, outputs)`.

        Args:
            X: As `Cases.X`, with the channels of the training series; or a loader, read batch by batch.

        Raises:
            ValueError: If X does not fit, or an output is not finite.
            RuntimeError: If the process is a fork of one in which the backend has run.
        """
        if is_loader(X):
            return np.concatenate([self.outputs(series) for series in series_of(X)])
        run = engine.ready().predict
        model, batch = self.model_for(X)
        values = np.concatenate([run(model, chunk)[0] for chunk in chunks(batch)])
        cases = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
        rule = "Outputs overflowed: the inputs are far outside the training range, or training diverged."
        require(not cases, rule, cases=cases[:5], n_cases=len(cases))
        return values

    def predict(self, X: Any) -> np.ndarray:
        """Labels or numbers, `(cases,)`, or `(cases, outputs)` if a case has several; as `outputs`."""
        return self.task.decode(self.outputs(X))

    @available_if(lambda self: hasattr(self.task, "probabilities"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `(cases, classes)`; only of a classification. Rows sum to 1 with one label a case."""
        task: Any = self.task
        return task.probabilities(self.outputs(X))

    def score(self, X: Any, y: Any) -> float:
        """Accuracy (with several labels a case, the share with all of them right), or R² of a regression."""
        metric = accuracy_score if hasattr(self.task, "probabilities") else r2_score
        return float(metric(self.task.read(y), self.predict(X)))

    @available_if(lambda self: hasattr(self.task, "deciding_at"))
    def deciding_at(self, thresholds: float | Sequence[float]) -> FittedNetwork:
        """The same network, which says of a case with several labels that it has those of a probability.

        Args:
            thresholds: The least probability in [0, 1], of all labels or of each.
        """
        task: Any = self.task
        return replace(self, task=task.deciding_at(thresholds))

    def model_for(self, X: Any) -> tuple[keras.Model, Batch]:
        """The Keras model that reads series, and the series as it reads them.

        It is `keras_model`, or one with the same weights: with a mask where series end early, without filling
        in where nothing is missing.
        """
        batch = self.read(X)
        if ends_early(batch):
            return self.with_mask().keras_model, batch
        if self.takes_mask or not is_large_and_complete(batch):
            return self.keras_model, batch
        return self._variants.get("complete", self._complete_model), batch

    def read(self, X: Any) -> Batch:
        """Series as the network reads them: checked, channels in order, at the length that it fixes."""
        batch = self.inputs.read(in_order(X, self.channel_names))
        return self.inputs.fit_length(batch, self.time, self.channels)

    def _complete_model(self) -> keras.Model:
        preprocessor, network, last = split(self.keras_model)
        return compose(without_filling(preprocessor), network, last)

    def with_mask(self) -> FittedNetwork:
        """The same network for series that may end early; itself if it reads a mask already.

        Raises:
            ValueError: If the network is a function that takes no mask, or that a file could not hold.
        """
        if self.takes_mask:
            return self
        engine.ready()
        return replace(self, keras_model=self._variants.get("masked", self._masked_model))

    def _masked_model(self) -> keras.Model:
        preprocessor, _, last = split(self.keras_model)
        with seeded(np.random.default_rng(0)):
            network = ensemble([self._masked_member(member) for member in self.members], shares(self.network))
        return compose(with_mask(preprocessor), network, last)

    def _masked_member(self, member: Member) -> keras.Model:
        shape, form = member.network.input_shape[1:], {"activation": self.task.activation, "masked": True}
        masked = self.spec.build(shape, self.task.n_outputs, member.options, **form)  # type: ignore[arg-type]
        copy_weights(member.network, masked)
        return masked


def _restored(model: bytes, others: dict[str, Any]) -> FittedNetwork:
    """A copy of a fitted network; where the backend cannot run, one that says so as soon as it is used."""
    return FittedNetwork(Unusable() if engine.lost_in_fork() else pickle.loads(model), **others)


class Unusable:
    """In the place of a Keras model, which a fork of a process that uses the backend cannot make."""

    def __getattr__(self, name: str) -> Any:
        engine.current()  # raises, and says why
        raise AttributeError(name)


def is_large_and_complete(batch: Batch) -> bool:
    """Whether nothing is missing in a number of values that makes looking for gaps in the graph slow."""
    return isinstance(batch, np.ndarray) and batch.size >= _LARGE and not np.isnan(batch).any()
