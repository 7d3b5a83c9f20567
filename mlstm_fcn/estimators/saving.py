"""Fitted estimators as files: saved, exported, described."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.contract import Contract
from mlstm_fcn.persistence import SUFFIXES, checked_path

if TYPE_CHECKING:
    from mlstm_fcn.fitting import FittedNetwork

_TRAIN_WITH = ("recipe__loss", "recipe__optimizer", "callbacks")


class Saving(Contract):
    """An estimator that can be saved to one file without pickle, and loaded from it."""

    def save(self, path: Path | str | None = None, serialization_format: str = "pickle") -> Any:
        """Save a fitted estimator.

        Args:
            path: A name that ends in `.keras` or `.mlstm`: one file without pickle, which is also a plain
                Keras model; `load` reads it. Parameters that are objects (an optimizer, a loss, callbacks, a
                random generator, a function) are not kept; a warning names those that further training would
                need. Without an ending, or None: sktime's way, which pickles.
            serialization_format: For sktime's way.

        Returns:
            None, or what sktime's way returns.

        Raises:
            NotFittedError: If the estimator is not fitted.
            ValueError: If it has no network because fit saw one class only, labels are bytes or dates, or the
                name has another ending.
        """
        suffix = "" if path is None else Path(path).suffix
        rule = f"The name must end in {' or '.join(SUFFIXES)}, or have no ending for sktime's way."
        require(suffix in ("", *SUFFIXES), rule, path=str(path))
        if path is None or not suffix:
            return super().save(path, serialization_format)
        from mlstm_fcn.fitting import archive

        fitted, parameters = self._require_network("save"), self.get_params(deep=False)
        about = {"estimator": type(self).__name__, "parameters": archive.plain_parameters(parameters)}
        archive.save(fitted, path, about)
        lost = [name for name in archive.lost_objects(parameters) if name in _TRAIN_WITH]
        if lost:
            text = f"The file does not keep objects: {', '.join(lost)}."
            warnings.warn(f"{text} Set them on what `load` returns before you train it.", stacklevel=2)
        return None

    @classmethod
    def load(cls, path: Path | str) -> Any:
        """Load a fitted estimator that `save` wrote to a `.keras` or `.mlstm` file; no code in it is run.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, or holds another kind of estimator.
        """
        from mlstm_fcn.fitting import archive

        fitted, about = archive.load(path)
        kinds = {kind.__name__: kind for kind in _kinds(cls)}
        name = str(about.get("estimator"))
        require(name in kinds, f"{path} must hold one of {', '.join(sorted(kinds))}.", estimator=name)
        try:
            parameters = {name: archive.from_plain(value) for name, value in about["parameters"].items()}
            estimator: Any = kinds[name](**parameters)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged: {error!r}") from error
        estimator._adopt(fitted)
        estimator._is_fitted = True
        return estimator

    def export(
        self,
        path: Path | str,
        format: str | None = None,
        *,
        X: Any = None,
        any_length: bool = False,
        length: int | None = None,
        data: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> Path:
        """Write the fitted model for another runtime, run it there, and compare before it is kept.

        Scaling, missing values and softmax are part of it: raw series in, `(batch, time, channels)`, float32
        with NaN where nothing was measured; probabilities out. The manifest `<name>.json` has labels in
        their order, channels, length, versions, data and metrics, and check sums.

        Args:
            path: Where to. An earlier export there is replaced; anything else there is an error.
            format: A name of `mlstm_fcn.export.FORMATS`, or `"keras"`, which is `save`. None: by the ending.
            X: Series to compare on, at best held back from training; up to 256, at even distances, are
                used. The int8 formats require at least 10: every second one is compared, the others show
                the ranges of values. None: random ones.
            any_length: Whether series may end early (NaN), though no training series did.
            length: Steps to fix, where the network reads any number of them.
            data: Name of the training data.
            metrics: Figures to note, by name; finite numbers.

        Returns:
            The path.

        Raises:
            NotFittedError: If the estimator is not fitted.
            ValueError: If the format cannot hold the model or differs too much, and why.
            ImportError: If what the format needs is not installed.
        """
        from mlstm_fcn.export import export_fitted

        fitted, figures = self._require_network("export"), {n: float(v) for n, v in (metrics or {}).items()}
        require(all(map(math.isfinite, figures.values())), "`metrics` must be finite numbers.", **figures)
        options = {"any_length": any_length, "length": length, "data": data, "metrics": figures}
        if format == "keras" or (format is None and Path(path).suffix in SUFFIXES):
            rule = "A .keras file is what `save` writes: it takes no length, data or metrics."
            require(not any(options.values()), rule, **{n: v for n, v in options.items() if v})
            self.save(checked_path(path))
            return Path(path)
        series = None if X is None else self._check_convert_X_for_predict(X)
        about = {"estimator": type(self).__name__}
        return export_fitted(fitted, path, format, X=series, about=about, **options)  # type: ignore[arg-type]

    def model_card(self, X: Any = None, y: Any = None, *, data: str = "") -> str:
        """What one should know before one uses the fitted model, as Markdown.

        Args:
            X: Series to test on, not those of fit; None for no figures of accuracy.
            y: Their targets.
            data: Name of the training data.

        Raises:
            NotFittedError: If the estimator is not fitted.
        """
        from mlstm_fcn.fitting.card import model_card

        fitted = self._require_network("model_card")
        series = None if X is None else self._check_convert_X_for_predict(X)
        about = {"made_by": " ".join(repr(self).split()), "recipe": self.training_recipe()}
        return model_card(fitted, series, y, data=data, random_state=self.random_state, **about)

    def _require_network(self, method_name: str) -> FittedNetwork:
        self.check_is_fitted(method_name)
        rule = f"`{method_name}` requires a network: fit saw one class only, or several columns of y."
        require(hasattr(self, "fitted_"), rule)
        fitted: FittedNetwork = self.fitted_
        return fitted


def _kinds(cls: type[Saving]) -> Iterator[type[Saving]]:
    yield cls
    for kind in cls.__subclasses__():
        yield from _kinds(kind)
