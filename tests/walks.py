"""A table of the steps of two people, as tests of tables and of files of them read it."""

import pandas as pd


def walks():
    """Two people, three walks of 3, 4 and 5 steps; row by row in the order of walk, then time."""
    rows = [
        (person, walk, second, 10.0 * number + second, -float(second), gait)
        for number, (person, walk, gait, steps) in enumerate(
            [("bob", "w1", "slow", 3), ("ann", "w1", "fast", 4), ("ann", "w2", "slow", 5)]
        )
        for second in range(steps)
    ]
    return pd.DataFrame(rows, columns=["person", "walk", "second", "x", "y", "gait"])


ROLES = {"case": ["person", "walk"], "time": "second", "label": "gait", "group": "person"}
