"""The same series in each container of pandas that names channels."""

import pandas as pd


def frames(X, names):
    return [pd.DataFrame(case.T, columns=names) for case in X]


def nested(X, names, index=None):
    return pd.DataFrame(
        {name: [pd.Series(case[number]) for case in X] for number, name in enumerate(names)}, index=index
    )


def multiindex(X, names):
    return pd.concat(frames(X, names), keys=range(len(X)))


NAMES = list("abcdef")
