"""`mlstm-fcn doctor`."""

from __future__ import annotations

import click


@click.command()
@click.option("--times/--no-times", default=True, show_default=True, help="Time training steps.")
def doctor(times: bool) -> None:
    """Show devices, versions and the precision that training takes, and time a training step."""
    from mlstm_fcn.doctor import examine

    for name, value in examine(times=times):
        click.echo(f"{name:<22}{value}")
