"""A page about a classifier on labelled series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mlstm_fcn import plotting, trust
from mlstm_fcn._document import Block, Figure, Heading, Paragraph, Table, to_html
from mlstm_fcn._files import write_text
from mlstm_fcn._pictures import as_image, picture
from mlstm_fcn.explain.activations import has_class_activation_map
from mlstm_fcn.report.about import about_cases, about_model, as_cases
from mlstm_fcn.report.answers import Answers

_MOST_ERRORS = 6
_MOST_CLASSES = 30  # of a confusion matrix as a picture
_MOST_CONFUSIONS = 20
_MOST_UNLIKE = 6


def write_evaluation(
    estimator: Any,
    X: Any,
    y: Any,
    path: Path | str,
    *,
    beta: float = 1.0,
    model: str = "",
    data: str = "",
) -> Path:
    """Write a self-contained HTML page about a classifier on labelled series.

    It has metrics, the confusion matrix, a reliability diagram, the most confident errors with their
    pictures, the gates of squeeze-and-excitation by class where the network has them, the data, and versions.

    Args:
        estimator: A fitted classifier of this package.
        X: Series, as for its `predict`.
        y: Their classes, which are classes of the classifier.
        path: The file; an existing one is replaced in one step. Missing folders are created.
        beta: How many times as much recall counts as precision in F-beta; positive.
        model: Name of the model, for the title.
        data: Name of the data, for the title.

    Returns:
        The path.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If a label is not among the classes, `beta` is not positive, or the estimator is not a
            classifier of this package.
        NotFittedError: If the estimator is not fitted.
    """
    answers, cases = Answers.of(estimator, X, y), as_cases(estimator, X)
    blocks = [
        *_metrics(answers, beta),
        *_confusion(answers),
        *_reliability(answers),
        *_errors(estimator, cases, answers),
        *_gates(estimator, X, answers),
        *_unlike(estimator, X, answers),
        Heading("Data, model, versions"),
        about_cases(cases, answers.y),
        *about_model(estimator),
    ]
    title = " on ".join(filter(None, (model or "A classifier", data)))
    write_text(Path(path), to_html(title, blocks))
    return Path(path)


def _metrics(answers: Answers, beta: float) -> Iterator[Block]:
    found = trust.scores(answers.y, answers.probabilities, answers.classes_.tolist(), beta=beta)
    weighted = "" if beta == 1 else f", recall counts {beta:g} times as much"
    meanings = {
        "accuracy": "share of cases with the right answer",
        "balanced_accuracy": "mean over the classes of their recall",
        "precision": "share of the answers of a class that are right, mean over the classes",
        "recall": "share of the cases of a class that are found, mean over the classes",
        "f_beta": f"harmonic mean of precision and recall{weighted}",
        "log_loss": "mean of minus the logarithm of the probability of the true class",
        "auroc": "how well probabilities order cases, each class against the others",
        "calibration_error": "mean distance between probability and share of right answers",
    }
    names = {"f_beta": f"F{beta:g}", "auroc": "AUROC"}
    n_wrong = len(answers.confident_errors)
    yield Paragraph(f"{len(answers.y)} cases, {n_wrong} of them with a wrong answer.")
    yield Heading("Metrics")
    yield Table(
        ["metric", "value", "what it is"],
        [
            [names.get(name, name.replace("_", " ")), _figure(found[name]), text]
            for name, text in meanings.items()
        ],
    )
    yield Heading("Classes")
    figures = precision_recall_fscore_support(
        answers.y, answers.predicted, labels=answers.classes_, beta=beta, zero_division=0.0
    )
    rows = zip(answers.classes_.tolist(), *figures, strict=True)
    yield Table(
        ["class", "precision", "recall", f"F{beta:g}", "cases"],
        [[str(label), *(f"{value:.3f}" for value in three), str(count)] for label, *three, count in rows],
    )


def _confusion(answers: Answers) -> Iterator[Block]:
    yield Heading("Confusion matrix")
    if len(answers.classes_) > _MOST_CLASSES:
        yield from _confusions(answers)
        return
    drawn = picture(lambda: plotting.confusion_matrix(answers.for_pictures(), None, answers.for_pictures().y))
    yield Figure("confusion_matrix", "Number of cases by true and predicted class.", drawn)


def _confusions(answers: Answers) -> Iterator[Block]:
    """The most frequent pairs, where a matrix would not be legible."""
    counts = confusion_matrix(answers.y, answers.predicted, labels=answers.classes_)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [np.unravel_index(place, counts.shape) for place in order if counts.flat[place]]
    labels = answers.classes_.tolist()
    rows = [[str(labels[true]), str(labels[given]), str(counts[true, given])] for true, given in pairs]
    yield Paragraph(f"The most frequent confusions; a matrix of {len(labels)} classes is too large to read.")
    yield Table(["true class", "predicted class", "cases"], rows)


def _reliability(answers: Answers) -> Iterator[Block]:
    yield Heading("Reliability")
    drawn = picture(lambda: plotting.calibration(answers, None, answers.y))
    caption = "Share of right answers by probability of the answer. On the dotted line they are equal."
    yield Figure("reliability", caption, drawn)


def _errors(estimator: Any, series: Sequence[np.ndarray], answers: Answers) -> Iterator[Block]:
    yield Heading("Most confident errors")
    cases = answers.confident_errors
    if not len(cases):
        yield Paragraph("None: every answer is right.")
    for case in cases[:_MOST_ERRORS].tolist():
        true, given = answers.y[case], answers.predicted[case]
        row = dict(zip(answers.classes_.tolist(), answers.probabilities[case], strict=True))
        caption = (
            f"Case {case}: answer {given} with probability {row[given]:.3f}, truth {true} ({row[true]:.3f})."
        )
        yield Figure(f"case_{case}", caption, _error(estimator, series[case], given, caption))


def _error(estimator: Any, x: Any, given: Any, caption: str) -> str:
    """The series, coloured by what speaks for the wrong answer."""

    def draw() -> Any:
        if has_class_activation_map(estimator):
            return plotting.class_activation_map(estimator, x, label=given)
        return plotting.occlusion(estimator, x)

    return picture(draw, partial(as_image, alt=caption))


def _gates(estimator: Any, X: Any, answers: Answers) -> Iterator[Block]:
    if has_gates(estimator):
        yield Heading("Gates by class")
        caption = "Mean gates of squeeze-and-excitation: how strongly each filter passes, by class."
        drawn = picture(
            lambda: plotting.gates(estimator, X, answers.for_pictures().y),
            partial(as_image, alt=caption),
        )
        yield Figure("gates", caption, drawn)


def _unlike(estimator: Any, X: Any, answers: Answers) -> Iterator[Block]:
    if not trust.remembers(estimator):
        return
    found = trust.unlikeness(estimator, X)
    order = np.argsort(-found, kind="stable")[:_MOST_UNLIKE]
    rows = [
        [str(case), f"{found[case]:.2f}", str(answers.predicted[case]), str(answers.y[case])]
        for case in order
    ]
    yield Heading("Unlike the training data")
    text = "1 is the distance that 95 % of held-back training cases do not exceed."
    yield Paragraph(f"{np.mean(found > 1):.0%} of the cases are above 1. {text}")
    yield Table(["case", "unlikeness", "answer", "truth"], rows)


def has_gates(estimator: Any) -> bool:
    """Whether the network has squeeze-and-excitation."""
    from mlstm_fcn.layers import SqueezeExcite1D

    layers = [layer for member in estimator.fitted_.members for layer in member.network.layers]
    return any(isinstance(layer, SqueezeExcite1D) for layer in layers)


def _figure(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.4f}"
