"""From a budget of gradient steps to a number of epochs."""

LEAST_EPOCHS, MOST_EPOCHS = 20, 200
ENOUGH_BATCHES = 10
MOST_BUDGETS = 15


def epochs_for(n_steps: int, n_cases: int, batch_size: int) -> int:
    """Number of epochs for a budget.

    The budget is divided by the batches of an epoch, of which ENOUGH_BATCHES count at most: larger data sets
    get more steps, up to MOST_BUDGETS times the budget. The result lies in [LEAST_EPOCHS, MOST_EPOCHS].

    Args:
        n_steps: The budget of gradient steps.
        n_cases: Number of training cases.
        batch_size: Maximum batch size.
    """
    batches = -(-n_cases // batch_size)
    epochs = min(n_steps / min(batches, ENOUGH_BATCHES), MOST_BUDGETS * n_steps / batches)
    return min(max(round(epochs), LEAST_EPOCHS), MOST_EPOCHS)
