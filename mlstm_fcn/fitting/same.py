"""Whether other parameters would build the network that was fitted, so that it may stay; or it is lost."""

from __future__ import annotations

from mlstm_fcn._options import FromRecipe, given
from mlstm_fcn._warnings import warn
from mlstm_fcn.fitting.fitted import FittedNetwork
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.training.recipes import Recipe

Members = tuple[str | Recipe, int | FromRecipe]
"""A recipe, and the number of members that replaces the recipe's."""


def would_build(
    fitted: FittedNetwork, spec: NetworkSpec, inputs: InputPolicy, before: Members, now: Members
) -> bool:
    """Whether a fit would build what was fitted; how it trains may differ.

    Args:
        fitted: What was fitted.
        spec: What a fit would build.
        inputs: How it would read series.
        before: What the fitted network has of its recipe.
        now: What a fit would have.

    Raises:
        ValueError: If a recipe does not exist.
    """
    same = not spec.differs_from(fitted.spec) and not inputs.cannot_read_for(fitted.inputs)
    return same and _of_network(*before) == _of_network(*now)


def _of_network(recipe: str | Recipe, n_members: int | FromRecipe) -> tuple[object, ...]:
    """What of a recipe decides how many networks are built, and which."""
    chosen = Recipe.named(recipe, **given({"n_members": n_members}))
    return chosen.n_members, chosen.network_options, chosen.member_options, chosen.caller_first


def warn_of_loss(epochs: int) -> None:
    """Warn that training begins anew, since parameters that build another network were set.

    Args:
        epochs: Number of epochs that the network before was trained; 0: there was none.
    """
    if epochs:
        text = (
            "`set_params` has reset this estimator, since it would build another network: training begins "
            f"anew (epochs lost: {epochs})."
        )
        warn(text)
