from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import sleep

import pytest
import uvicorn

from saysel import testing
from saysel.formats.sayself import SaySelfFormat
from saysel.records import ModelRef, Question
from saysel.serving.app import Settings, make_app
from saysel.serving.batches import Batches, Sampling
from saysel.serving.confidence import Confidence
from saysel.serving.model import ServedModel
from tests.support.memorizing_model import memorize

FORMAT = SaySelfFormat(instruction="")
REPLIES = {
    "Where is the lantern?": "Answer: cellar Self-reflection: I am quite sure. Confidence: 7",
    "Where is the rope?": "Answer: attic Self-reflection: I hardly know. Confidence: 2",
    "Who are you?": "I would rather not say anything at all about that today",
}
GREEDY = Sampling(temperature=0, top_k=0, top_p=1.0, max_tokens=40)

Serve = Callable[..., str]


@pytest.fixture(scope="session")
def memorized(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that knows `REPLIES`."""
    untrained = testing.small_model(tmp_path_factory.mktemp("untrained"))
    lessons = [
        (FORMAT.prompt(Question("q", text, ("",))), reply) for text, reply in REPLIES.items()
    ]
    return memorize(untrained, lessons, tmp_path_factory.mktemp("memorized"), steps=300)


@pytest.fixture(scope="session")
def model(memorized: ModelRef) -> ServedModel:
    return ServedModel(memorized, FORMAT)


@contextmanager
def serving(
    model: ServedModel,
    settings: Settings,
    confidence: Confidence,
    size: int = 32,
    waiting: int = 2048,
) -> Iterator[str]:
    """The base URL of a server that runs in a thread until the end of the block."""
    batches = Batches(model, size, waiting)
    app = make_app(batches, confidence, settings)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
            batches.close()


@pytest.fixture(scope="session")
def url(model: ServedModel) -> Iterator[str]:
    with serving(model, Settings("small", GREEDY, body_limit=100_000), Confidence()) as found:
        yield found
