"""`saysel serve`: a trained model with an OpenAI-compatible API."""

from __future__ import annotations

import click

from saysel.commands.options import cell
from saysel.errors import UsageError


@click.command("serve")
@click.argument("target", metavar="RUN|MODEL")
@cell
@click.option("--name", help="The model's name in the API.  [default: the directory's name]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0: any free one.",
)
@click.option(
    "--key",
    "key_variable",
    metavar="VARIABLE",
    help="Name of an environment variable with an API key, which requests must send as a bearer "
    "token.",
)
@click.option(
    "--recalibrate",
    type=click.Choice(["temperature", "platt", "beta", "isotonic"]),
    help="Add a recalibrated confidence to each reply, by a curve fitted on the run's dev "
    "questions.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Maximum number of replies that are generated at the same time.",
)
@click.option(
    "--waiting",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="Maximum number of replies that wait; further requests are refused with status 429.",
)
def command(
    target: str,
    cell: str | None,
    name: str | None,
    host: str,
    port: int,
    key_variable: str | None,
    recalibrate: str | None,
    batch: int,
    waiting: int,
) -> None:
    """Serve a model: an OpenAI-compatible API and a chat page.

    Each reply has its answer, rationale and confidence in the field `saysel` of the message.

    \b
    Examples:
      saysel serve runs/quickstart
      saysel serve runs/quickstart --recalibrate platt
      saysel serve my-model --host 0.0.0.0 --key SAYSEL_KEY
    """
    try:
        from saysel.serving.server import Options, serve
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "starlette", "uvicorn", "torch"):
            raise
        raise UsageError(
            "saysel serve needs the extra 'serve': pip install 'saysel[serve]'"
        ) from None
    serve(
        Options(
            target=target,
            cell=cell,
            name=name,
            host=host,
            port=port,
            key_variable=key_variable,
            recalibrate=recalibrate,
            batch=batch,
            waiting=waiting,
        )
    )
