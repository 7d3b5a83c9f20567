"""Where what is random in training comes from: one generator, and not the global ones."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_GLOBAL_GENERATORS = threading.Lock()


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Make what Keras draws from the global generators depend on `rng`, and leave those as they were.

    Keras seeds initialisers and dropout from Python's generator when a layer is made, so a network
    must be built in here to be reproducible. One thread is in here at a time.
    """
    with _GLOBAL_GENERATORS:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        seed = int(rng.integers(2**31))
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def shuffled(
    n_cases: int, batch_size: int, rng: np.random.Generator, equal: bool = False
) -> Iterator[np.ndarray]:
    """The cases of one epoch, each once, in a new order, as indices batch by batch.

    The last batch has what is left; or, if they are to be equal, all have the same number, or one fewer.
    """
    order = rng.permutation(n_cases)
    yield from np.array_split(
        order, -(-n_cases // batch_size) if equal else range(batch_size, n_cases, batch_size)
    )
