"""Files that Inspect 0.3.285 and lm-evaluation-harness 0.4.13 wrote, and variants of them."""

from __future__ import annotations

import gzip
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import SayselError
from saysel.files import Predictions, load_predictions
from saysel.files.archives import Archive
from saysel.files.inspect_log import samples_in
from saysel.registry import build

LOGS = Path(__file__).parent / "logs"
INSPECT = LOGS / "inspect.eval"
CHOICES = LOGS / "samples_choices.jsonl"
FILTERS = LOGS / "samples_filters.jsonl"


def values(read: Predictions) -> list[tuple[str, float | None, float | None]]:
    return [(p.question_id, p.confidence, p.correct) for p in read.predictions]


def inspect_samples() -> list[dict[str, Any]]:
    return list(samples_in(Archive(INSPECT.read_bytes(), INSPECT)))


def json_log(path: Path, samples: list[dict[str, Any]]) -> Path:
    path.write_text(
        json.dumps({"version": 2, "status": "success", "eval": {}, "samples": samples}, indent=1)
    )
    return path


def archive(path: Path, members: dict[str, object]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("_journal/start.json", "{}")
        for name, content in members.items():
            file.writestr(name, json.dumps(content))
    return path


# ------------------------------------------------------------------------------------------ Inspect

STATED = [("q1", 0.9, 1.0), ("q2", 0.6, 0.0), ("q3", 0.8, 1.0)]


def test_an_inspect_archive_is_read() -> None:
    read = load_predictions(INSPECT)

    assert values(read) == STATED
    assert read.columns["confidence"] == "both.confidence"
    assert read.columns["correct"] == "both.correct"
    assert read.layout == "Inspect log"
    first = read.predictions[0]
    assert (first.answer, first.tokens, first.finish_reason) == ("Canberra", 32, "stop")
    assert first.response == "Answer: Canberra\nConfidence: 90%"
    assert read.questions["q2"].prompt == "What is the capital of Canada?"
    assert read.questions["q2"].answers == ("Ottawa", "Ottawa, Ontario")


def test_every_form_of_an_inspect_log_is_read_alike(tmp_path: Path) -> None:
    samples = inspect_samples()
    whole = {f"samples/{s['id']}_epoch_{s['epoch']}.json": s for s in reversed(samples)}
    parts = {f"samples/{s['id']}_epoch_1/sample.json": s for s in samples}
    files = [
        json_log(tmp_path / "log.json", samples),
        archive(tmp_path / "deflated.eval", whole),
        archive(tmp_path / "large_samples.eval", parts),
        archive(tmp_path / "renamed.zip", whole),
    ]
    (tmp_path / "log.json.gz").write_bytes(gzip.compress(files[0].read_bytes()))

    for file in [*files, tmp_path / "log.json.gz"]:
        assert values(load_predictions(file)) == STATED, file


def test_whole_replies_in_an_inspect_log_are_parsed(tmp_path: Path) -> None:
    samples = inspect_samples()
    for sample in samples:
        sample["scores"] = {"match": {"value": "C"}}
        del sample["output"]["completion"]
    samples[0]["output"]["choices"][0]["stop_reason"] = "max_tokens"
    samples[1]["scores"]["match"]["value"] = "P"
    samples[2]["scores"]["match"]["value"] = math.nan

    read = load_predictions(
        json_log(tmp_path / "log.json", samples), format=build("format", "percent")
    )

    assert values(read) == [("q1", None, 1.0), ("q2", 0.6, 0.5), ("q3", 0.8, None)]
    assert read.predictions[0].finish_reason == "length"


@pytest.mark.parametrize(
    ("scores", "column"),
    [
        ({"match": {"value": "C", "metadata": {"confidence": 0.9}}}, "match.metadata.confidence"),
        (
            {
                "match": {"value": "C", "metadata": {"confidence": 0.1}},
                "confidence": {"value": 0.9, "answer": "x"},
            },
            "confidence",
        ),
        ({"match": {"value": {"correct": True, "prob": 0.9}}}, "match.prob"),
        ({"match": {"value": "C"}, "length": {"value": 120}, "conf": {"value": 0.9}}, "conf"),
    ],
)
def test_a_confidence_is_found_among_the_scores(
    tmp_path: Path, scores: dict[str, Any], column: str
) -> None:
    path = json_log(tmp_path / "log.json", [{**inspect_samples()[0], "scores": scores}])

    read = load_predictions(path)

    assert values(read) == [("q1", 0.9, 1.0)]
    assert read.columns["confidence"] == column


def test_a_sample_that_failed_has_no_correctness(tmp_path: Path) -> None:
    samples = inspect_samples()
    samples[1] |= {"scores": {}, "error": {"message": "timeout"}, "output": {"choices": []}}

    read = load_predictions(json_log(tmp_path / "log.json", samples))

    assert values(read)[1] == ("q2", None, None)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "this Inspect log has no samples"),
        ([{"id": 1, "epoch": 1, "error": {"message": "no key"}}], "every sample failed (no key)"),
        (
            [{"id": [1], "epoch": 1}],
            "sample 1: not a sample of an Inspect log (TypeError('id: [1]'))",
        ),
        ([{"id": "\ud800", "epoch": 1}], "line 1: half of a character (\\ud800)"),
        ([{"id": 1}], "sample 1: not a sample of an Inspect log (KeyError('epoch'))"),
        ([3], "sample 1: not a sample of an Inspect log ("),
        ([{"id": 1, "epoch": 1, "scores": {"s": 3}}], "sample 1: not a sample of an Inspect log ("),
        (
            [{"id": 1, "epoch": 1, "scores": {"a": {"value": "C"}, "b": {"value": "I"}}}],
            "no column is recognised as 'confidence'",
        ),
        (
            [
                {
                    "id": 1,
                    "epoch": 1,
                    "scores": {"a": {"value": "C"}, "b": {"value": "I"}, "conf": {"value": 0.5}},
                }
            ],
            "'a' and 'b' could both be the correct: choose one with --column correct=a",
        ),
        (
            [
                {"id": "q", "epoch": n, "scores": {"a": {"value": 1}, "conf": {"value": 0.5}}}
                for n in (1, 2)
            ],
            "sample q of epoch 2: the id 'q' was in sample q of epoch 1 already",
        ),
    ],
)
def test_an_inspect_log_is_refused_in_one_line(
    tmp_path: Path, samples: list[Any], message: str
) -> None:
    path = json_log(tmp_path / "log.json", samples)

    with pytest.raises(SayselError) as caught:
        load_predictions(path)

    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "line 1: not JSON (a number or list that is too long or too deep)"),
        (b'{"id": "caf\xe9"}', "line 1: not UTF-8 (byte 0xe9)"),
        (b'{"id": "\\ud800", "epoch": 1}', "half of a character (\\ud800)"),
    ],
    ids=range(3),
)
def test_a_sample_of_an_archive_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.eval", "w") as file:
        file.writestr("header.json", "{}")
        file.writestr("samples/one_epoch_1.json", content)

    with pytest.raises(SayselError) as caught:
        load_predictions(tmp_path / "x.eval")

    assert str(caught.value).startswith(f"{tmp_path}/x.eval, samples/one_epoch_1.json")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@given(cut=st.integers(5, 10_500), flip=st.integers(4, 10_500), whole=st.booleans())
def test_a_damaged_archive_is_refused_in_one_line(
    cut: int, flip: int, whole: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(INSPECT.read_bytes())
    content[flip % len(content)] ^= 0xFF
    path = tmp_path_factory.getbasetemp() / "damaged.eval"
    path.write_bytes(bytes(content) if whole else bytes(content[:cut]))
    try:
        # The name of a member has no checksum: a damaged one is not the name of a sample.
        assert set(values(load_predictions(path))) <= set(STATED)
    except SayselError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)


# --------------------------------------------------------------------------- lm-evaluation-harness


def test_choices_have_the_softmax_over_their_log_likelihoods() -> None:
    read = load_predictions(CHOICES)

    # Log-likelihoods of -10/3, -4, -13/3 and -17/6, -19/6, -21/6.
    first = 1 / (1 + math.exp(-2 / 3) + math.exp(-1))
    second = 1 / (1 + math.exp(-1 / 3) + math.exp(-2 / 3))
    assert values(read) == [
        ("0", pytest.approx(first), 0.0),
        ("1", pytest.approx(second), 1.0),
    ]
    assert [p.answer for p in read.predictions] == ["Sydney", "Ottawa"]
    assert [q.answers for q in read.questions.values()] == [("Canberra",), ("Ottawa",)]
    assert read.questions["0"].prompt == "What is the capital of Australia?"
    assert (read.columns["confidence"], read.columns["correct"]) == ("choice_probability", "acc")


def test_choices_of_other_layouts(tmp_path: Path) -> None:
    sample = json.loads(CHOICES.read_text().splitlines()[0])
    equal = json.loads(json.dumps(sample))
    for request in equal["arguments"].values():
        request["arg_1"] = " the same"
    mutual = {**sample, "acc_mutual_info": 1.0}
    mutual["filtered_resps"] = sample["filtered_resps"] * 2
    mutual["arguments"] = {
        str(n): value for n, value in enumerate([*sample["arguments"].values()] * 2)
    }
    old = {**sample, "arguments": [[r["arg_0"], r["arg_1"]] for r in sample["arguments"].values()]}
    del old["metrics"], old["filter"]
    for number, variant in enumerate((equal, mutual, old)):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(json.dumps(variant))
        (prediction,) = load_predictions(path).predictions
        assert prediction.confidence == pytest.approx(1 / (1 + math.exp(-2 / 3) + math.exp(-1)))
        assert prediction.answer == ("0" if variant is equal else "Sydney")


def test_a_log_likelihood_that_is_not_a_number_is_missing(tmp_path: Path) -> None:
    sample = json.loads(CHOICES.read_text().splitlines()[0])
    sample["filtered_resps"][1][0] = "nan"
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(sample))

    assert values(load_predictions(path)) == [("0", None, 0.0)]


def test_one_filter_has_to_be_chosen() -> None:
    with pytest.raises(SayselError) as caught:
        load_predictions(FILTERS)

    assert str(caught.value) == (
        f"{FILTERS}: 2 rows for each reply, one per filter: choose one with "
        "--where filter=strict-match or --where filter=flexible-extract"
    )


def test_the_answers_that_a_filter_extracts_are_as_the_harness_graded_them(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in FILTERS.read_text().splitlines()]
    for line in lines:
        line["confidence"] = 0.7
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))

    strict = load_predictions(path, where={"filter": "strict-match"})
    flexible = load_predictions(path, where={"filter": "flexible-extract"})

    assert values(strict) == [("0", 0.7, 1.0), ("1", 0.7, 0.0)]
    assert [p.answer for p in strict.predictions] == ["Canberra", "Toronto"]
    assert values(flexible) == [("0", 0.7, 0.0), ("1", 0.7, 0.0)]


def test_whole_replies_are_judged_again_because_the_harness_read_them_otherwise() -> None:
    read = load_predictions(
        FILTERS, where={"filter": "flexible-extract"}, format=build("format", "percent")
    )

    assert values(read) == [("0", 0.9, 1.0), ("1", 0.6, 0.0)]


@pytest.mark.parametrize("change", [{"doc_id": "0"}, {"arguments": 3}, {"filtered_resps": 3}])
def test_what_only_looks_like_samples_is_refused_or_read_as_it_is(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({**json.loads(CHOICES.read_text().splitlines()[0]), **change}))

    with pytest.raises(SayselError) as caught:
        load_predictions(path)

    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_an_archive_unpacks_to_a_limited_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saysel.files.content.MAX_UNPACKED", 1_000)

    with pytest.raises(SayselError, match="unpacks to more than"):
        load_predictions(INSPECT)
