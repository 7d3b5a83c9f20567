"""`mlstm-fcn models`: the networks and their cost."""

from __future__ import annotations

from dataclasses import asdict, fields

import click


@click.group()
def models() -> None:
    """List and describe the networks."""


@models.command("list")
def list_() -> None:
    """List the names that --network and `NetworkClassifier(network=...)` take."""
    from mlstm_fcn import models as networks

    for name, (builder, config) in networks.MODELS.items():
        standard = type(config)()
        changed = [
            f"{field.name}={getattr(config, field.name)}"
            for field in fields(config)
            if getattr(config, field.name) != getattr(standard, field.name)
        ]
        click.echo(f"{name:<14} {builder.__name__:<13} {', '.join(changed)}".rstrip())


@models.command()
@click.argument("name")
@click.option("--input-shape", default="100,6", show_default=True, help="Number of steps and of channels.")
@click.option("--classes", type=int, default=4, show_default=True, help="Number of classes.")
@click.option("--recipe", default="default", show_default=True, help="Recipe whose network options are used.")
@click.option("--layers", is_flag=True, help="Show all layers.")
def describe(name: str, input_shape: str, classes: int, recipe: str, layers: bool) -> None:
    """Show parameters, operations, layers, receptive field and options of the network NAME.

    The network is the one that `mlstm-fcn train` builds for series of this shape.
    """
    from mlstm_fcn import models as networks
    from mlstm_fcn._checks import require, require_choice
    from mlstm_fcn.fitting import NetworkSpec
    from mlstm_fcn.training.recipes import Recipe

    sizes = input_shape.split(",")
    rule = "`--input-shape` must be two whole numbers, steps and channels, as in 100,6."
    require(len(sizes) == 2 and all(size.strip().isdigit() for size in sizes), rule, input_shape=input_shape)
    require_choice("name", name, networks.names())
    time, channels = map(int, sizes)
    options = NetworkSpec(name).resolved(Recipe.named(recipe), 0, time)
    model = networks.build(name, (time, channels), classes, **options)
    if layers:
        model.summary(print_fn=click.echo, line_length=110)
    for figure, value in asdict(networks.cost(model)).items():
        click.echo(f"{figure.replace('_', ' '):<16} {value:>12,}")
    click.echo("options")
    for option, value in asdict(networks.config(name, **options)).items():
        click.echo(f"  {option:<20} {value}")
