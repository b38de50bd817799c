"""Starts the server: loads the model, and serves it until Ctrl-C."""

from __future__ import annotations

import ipaddress
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from saysel import hf
from saysel.api.abstaining import AnswerOrAbstain
from saysel.api.asking import resolved
from saysel.api.run_directory import Run
from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.serving.app import Settings, make_app
from saysel.serving.batches import Batches, Sampling
from saysel.serving.confidence import Confidence
from saysel.serving.dev import dev_curve
from saysel.serving.model import ServedModel
from saysel.stages.evaluation import evaluation_sampler

#: Tokens of a reply if the recipe's sampler does not limit them.
MAX_TOKENS = 512


@dataclass(frozen=True)
class Options:
    """The options of `saysel serve`; see its help."""

    target: str
    cell: str | None = None
    name: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    key_variable: str | None = None
    recalibrate: str | None = None
    batch: int = 32
    waiting: int = 1024


def build(options: Options) -> tuple[FastAPI, Batches]:
    """Load the model and make the application.

    Raises:
        UsageError: the model is at a server, the key is missing, or see `dev_curve`.
        DataError: the model cannot be loaded.
    """
    key = _key(options.key_variable)
    recipe, format, ref = resolved(options.target, options.cell)
    if recipe.model.remote:
        raise UsageError(f"{options.target}: its model is at a server already")
    sampler = evaluation_sampler(recipe)
    hf.check_installed(sampler)
    limit = sampler.reply_limit() or MAX_TOKENS
    model = ServedModel(ref, format)
    in_run = Run.exists(options.target)
    if options.recalibrate is not None and not in_run:
        raise UsageError(f"{options.target}: only a run directory has dev questions to recalibrate")
    curve = rule_at = None
    if options.recalibrate is not None:
        run = Run(options.target).directory  # of a run on shared storage, the working copy
        curve = dev_curve(options.recalibrate, run, recipe, format, ref)
    if in_run:
        rule_at = partial(AnswerOrAbstain.of_run, options.target, cell=options.cell)
    confidence = Confidence(curve, rule_at)
    sampling = Sampling(
        temperature=recipe.evaluate.temperature,
        top_k=getattr(sampler, "top_k", 0),
        top_p=getattr(sampler, "top_p", 1.0),
        max_tokens=limit,
    )
    batches = Batches(model, options.batch, options.waiting)
    name = options.name or Path(options.target).name
    app = make_app(batches, confidence, Settings(name, sampling, key))
    if is_loopback(options.host):
        # A web page that a browser shows must not reach this server under another name.
        names = ["localhost", "127.0.0.1", "[::1]", "testserver", options.host]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=names)
    return app, batches


def serve(options: Options) -> None:
    """Serve a model until Ctrl-C.

    Raises:
        UsageError: another program uses the port, or this machine does not have the address.
        SayselError: see `build`.
    """
    import uvicorn

    with _bound(options.host, options.port) as bound:  # before the model is loaded
        app, batches = build(options)
        if options.key_variable is None and not is_loopback(options.host):
            echo(f"{options.host}: anyone on the network can use the model; see --key", err=True)
        name = f"[{options.host}]" if ":" in options.host else options.host
        url = f"http://{name}:{bound.getsockname()[1]}"
        echo(f"chat page: {url}/")
        echo(f"base URL of the API: {url}/v1")
        try:
            with suppress(KeyboardInterrupt):  # the way to end it
                uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[bound])
        finally:
            batches.close()


def _bound(host: str, port: int) -> socket.socket:
    """A socket at an address, on which the server will listen."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise UsageError(
            f"{host}:{port}: cannot listen there ({error.strerror}): choose another --port or "
            "--host"
        ) from None
    return bound


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"the environment variable {variable} is not set or empty (--key)")
    return key
