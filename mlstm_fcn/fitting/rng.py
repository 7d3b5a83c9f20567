"""Where the randomness of a fit comes from."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state


@dataclass(frozen=True)
class RngSpec:
    """A source of randomness.

    Attributes:
        state: An integer or a `RandomState` for reproducible fits; None: another fit every time.
    """

    state: int | np.random.RandomState | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether every generator can be made again, which resuming from a checkpoint needs."""
        return isinstance(self.state, Integral)

    def generator(self, member: int = 0, epochs_before: int = 0) -> np.random.Generator:
        """Decides everything random in the training of a member.

        Args:
            member: Number of the member, from 0.
            epochs_before: Epochs that the member was trained before, so that continued training does not
                repeat the first one.
        """
        if self.state is None:
            return np.random.default_rng()
        state = self.state
        seed = int(state) if isinstance(state, Integral) else check_random_state(state).randint(2**31)
        if member:
            return np.random.default_rng([seed, epochs_before, member])
        return np.random.default_rng([seed, epochs_before] if epochs_before else seed)
