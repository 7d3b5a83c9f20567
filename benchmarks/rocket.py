"""How fast random convolutions are: the transform beside aeon's, and one prediction.

    python benchmarks/rocket.py

The ratio of this package's time to aeon's for the features of the same series, both on two threads, in turn,
the median of five after one that compiles. `minirocket` has MiniRocket's 10,000 features in both;
`multirocket` is the network of that name (30,000 features) beside aeon's MultiRocket (50,000). Then the time
of `predict_proba` for one series. aeon is in the extra `bench`.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd

TABLE = Path(__file__).with_suffix(".csv")
SHAPES = {
    "BasicMotions": (40, 6, 100),
    "Libras": (180, 2, 45),
    "long": (100, 1, 1000),
    "wide": (200, 24, 200),
}
PLAIN = {"n_thresholds": 9996, "differences": False, "poolings": ("share",)}


def made(cases, channels, steps):
    """Random walks with labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(cases, channels, steps)).cumsum(axis=2).astype(np.float32), np.arange(cases) % 2


def seconds(run):
    """Seconds of a call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def transforms():
    """Ratios of the time of this package to aeon's."""
    import keras
    from aeon.transformations.collection.convolution_based import MiniRocket, MultiRocket

    from mlstm_fcn import NetworkClassifier

    for kind, options, other in (
        ("minirocket", PLAIN, lambda: MiniRocket(n_kernels=10_000, n_jobs=2, random_state=0)),
        ("multirocket", {}, lambda: MultiRocket(n_jobs=2, random_state=0)),
    ):
        for name, shape in SHAPES.items():
            X, y = made(*shape)
            fitted = NetworkClassifier(network="multirocket", network_params=options, random_state=0).fit(
                X, y
            )
            network = fitted.model_.get_layer("multirocket")
            features = keras.Model(network.input, network.get_layer("standardize").input)
            batch, transform = X.transpose(0, 2, 1), other().fit(X)
            ours = lambda model=features, batch=batch: model.predict(batch, batch_size=64, verbose=0)  # noqa: E731
            theirs = lambda transform=transform, X=X: transform.transform(X)  # noqa: E731
            ours(), theirs()
            times = np.array([[seconds(ours), seconds(theirs)] for _ in range(5)])
            one = [seconds(lambda: fitted.predict_proba(X[:1])) for _ in range(20)]  # noqa: B023
            own, aeon = np.median(times, axis=0)
            yield {
                "network": kind,
                "series": name,
                "shape": "x".join(map(str, shape)),
                "ratio": round(own / aeon, 2),
                "lowest": round((times[:, 0] / times[:, 1]).min(), 2),
                "highest": round((times[:, 0] / times[:, 1]).max(), 2),
                "seconds": round(own, 4),
                "one_series_ms": round(1000 * float(np.median(one[5:])), 2),
            }


if __name__ == "__main__":
    table = pd.DataFrame(transforms())
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))
