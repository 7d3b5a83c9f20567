"""Cases of the training set that training does not see, so that the model knows what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from mlstm_fcn.datasets import Series


def fit_and_trust(classifier: Any, X: Series, y: np.ndarray, share: float, seed: int) -> tuple[Any, str]:
    """Fit a classifier, and let it learn from a share of the cases how far it can be trusted.

    Args:
        classifier: Not fitted.
        X: Series.
        y: Their labels.
        share: In (0, 1); held back by class.
        seed: Decides which.

    Returns:
        The classifier with its temperature and its reference, and a sentence about them.

    Raises:
        ValueError: If the share is another number, or leaves a class without cases.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    from mlstm_fcn import trust
    from mlstm_fcn._checks import require

    require(0 < share < 1, "`--held-back` must be in (0, 1).", held_back=share)
    _, counts = np.unique(y, return_counts=True)
    n_held = int(np.ceil(share * len(y)))
    fits = counts.min() > 1 and len(counts) <= n_held <= len(y) - len(counts)
    rule = "`--held-back` needs two cases of each class, and room for each class in both parts."
    require(bool(fits), rule, held_back=share, cases_of_smallest_class=int(counts.min()))
    places = train_test_split(np.arange(len(y)), test_size=share, stratify=y, random_state=seed)
    (X_rest, y_rest), (X_held, y_held) = ((_taken(X, one), y[one]) for one in places)
    classifier.fit(X_rest, y_rest)
    classifier = trust.calibrate(classifier, X_held, y_held)
    classifier = trust.remember(classifier, X_rest, X_held)
    return classifier, f"{len(y_held)} cases; temperature {trust.temperature(classifier):.3g}"


def _taken(X: Series, cases: np.ndarray) -> Any:
    return [X[case] for case in cases] if isinstance(X, list) else X[cases]
