"""The command line: `mlstm-fcn train`, `evaluate`, `predict`, `explain`, `data`, `models` and so on.

What takes long to import is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import Any

import click

from mlstm_fcn.cli.ablation import ablation
from mlstm_fcn.cli.benchmark import benchmark, report
from mlstm_fcn.cli.data import data
from mlstm_fcn.cli.doctor import doctor
from mlstm_fcn.cli.explaining import explain
from mlstm_fcn.cli.models import models
from mlstm_fcn.cli.shipping import card, export
from mlstm_fcn.cli.training import evaluate, predict, train


class _Commands(click.Group):
    """Commands whose foreseen errors are one sentence, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `| head` has read enough; click ends quietly
        except (ValueError, OSError, ImportError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mlstm-fcn")
def main() -> None:
    """Classify multivariate time series with MLSTM-FCN."""


for _command in (
    train,
    evaluate,
    predict,
    explain,
    data,
    models,
    ablation,
    benchmark,
    report,
    export,
    card,
    doctor,
):
    main.add_command(_command)
