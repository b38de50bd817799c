"""Studies whose scores are known."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from saysel.errors import DataError
from saysel.study.design import draw
from saysel.study.findings import findings, needed
from saysel.study.items import Item, Origin, Study, write_key
from saysel.study.ratings import Rating, read_ratings
from saysel.study.score import score_study
from tests.study.conftest import writer
from tests.support.end_to_end import invoke

HEADER = ["study", "rater", "item", "usefulness", "faithfulness", "seconds", "note"]
Rate = Callable[[Item, Origin], tuple[object, object]]


def rated(study: Study, path: Path, rater: str, rate: Rate, seconds: float = 20) -> Path:
    """The file of a rater who rates every item."""
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(HEADER)
        for item, origin in zip(study.items, study.origins, strict=True):
            lines.writerow([study.id, rater, item.id, *rate(item, origin), seconds, ""])
    return path


@pytest.fixture
def study(directory: Path) -> Study:
    """Two writers with ten items each, four controls; the key is written."""
    drawn = draw([writer("a"), writer("b")], per_model=10, controls=2, raters=2, seed=0)
    write_key(drawn, directory)
    return drawn


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def values(scores) -> Mapping[tuple[str, str], float | None]:
    return {(one.name, one.scale): one.value for one in scores.findings}


def test_two_raters_of_known_agreement(study: Study, directory: Path, tmp_path: Path) -> None:
    # Of twenty items, both say 1 for eight, both say 5 for eight, and they differ in two each way.
    own = [item.id for item, one in zip(study.items, study.origins, strict=True)
           if one.kind == "model"]  # fmt: skip
    first = dict(zip(own, [1] * 10 + [5] * 10, strict=True))
    second = dict(zip(own, [1] * 8 + [5] * 2 + [1] * 2 + [5] * 8, strict=True))

    # The controls, on which they agree, do not count.
    def rate(levels: Mapping[str, int]) -> Rate:
        return lambda item, origin: (4, levels.get(item.id, 1))

    files = [
        rated(study, tmp_path / "1.csv", "1", rate(first)),
        rated(study, tmp_path / "2.csv", "2", rate(second)),
    ]
    scores = score_study(directory, files)
    found = {(one.name, one.scale): one for one in scores.findings}

    kappa = found["weighted kappa, raters 1 and 2", "faithfulness"]
    alpha = found["Krippendorff's alpha", "faithfulness"]
    assert kappa.value == pytest.approx(0.6) and kappa.items == 20
    assert alpha.value == pytest.approx(1 - 39 * 4 / (20 * 20)) and alpha.items == 20
    for one in (kappa, alpha):
        assert one.low is not None and one.high is not None
        assert 0 < one.low < 0.6 < one.high <= 1
    # Where both always say 4, agreement is not defined.
    assert found["Krippendorff's alpha", "usefulness"].value is None
    assert "Krippendorff's alpha" in str(scores) and " – " in str(scores)


def test_means_are_those_of_all_replies(study: Study, directory: Path, tmp_path: Path) -> None:
    def rate(item: Item, origin: Origin) -> tuple[int, int]:
        if origin.kind != "model":
            return 1, 2
        return 3, 5 if origin.stratum == "high, right" else 1

    scores = score_study(directory, [rated(study, tmp_path / "1.csv", "1", rate)])
    # 20 of the 40 replies of each writer are confident and right.
    replies = writer("a").replies
    share = sum(
        reply.correct == 1 and writer("a").confidences[reply.question_id] == 0.9
        for reply in replies
    ) / len(replies)
    found = values(scores)
    assert share == 0.5
    assert found["a", "faithfulness"] == pytest.approx(1 + 4 * share)
    assert (found["shuffled", "faithfulness"], found["generic", "usefulness"]) == (2, 1)
    assert found["b − a", "faithfulness"] == pytest.approx(0)
    assert found["shuffled − a", "faithfulness"] == pytest.approx(2 - 3)
    assert scores.notes == ("one rater: agreement cannot be measured",)


def test_ratings_are_correlated_with_the_measures(study, directory, tmp_path) -> None:
    by_grade = {
        item.id: 1 + min(4, int((origin.measures.get("grade") or 0) // 2))
        for item, origin in zip(study.items, study.origins, strict=True)
    }
    scores = score_study(
        directory,
        [rated(study, tmp_path / "1.csv", "1", lambda item, _: (6 - by_grade[item.id], 3))],
    )
    (grade,) = (one for one in scores.findings if (one.table, one.name) == ("correlation", "grade"))
    assert grade.scale == "usefulness" and grade.items == 20
    assert grade.value is not None and grade.value < -0.95
    # Recall is 1 for every item, and faithfulness always 3: neither can be correlated.
    assert "mention_recall" not in {one.name for one in scores.findings}


def test_power_is_that_of_the_textbook() -> None:
    # Two groups of 50 with a standard deviation of 1: 2 (1.96 + .84)² / .5² = 62.8 each.
    assert needed(50, (2 / 50) ** 0.5, 0.5) == 63
    assert needed(10, (2 / 10) ** 0.5, -0.5) == 63
    assert needed(50, 0.2, 0.0) is None and needed(50, 0.0, 0.5) is None


@pytest.mark.parametrize(("of_a", "of_b"), [(60, 60), (20, 200), (200, 20)])
def test_power_does_not_depend_on_how_items_are_divided(of_a: int, of_b: int) -> None:
    """The standard deviation is 1: 63 items of each writer detect a difference of .5."""
    writers = ["a"] * of_a + ["b"] * of_b
    items = [Item(f"i{n}", f"Question {n}?", "x", "y", ()) for n in range(len(writers))]
    origins = [
        Origin(name, "model", f"q{n}", f"q{n}", "all", 1.0, 0.5, 1.0, {})
        for n, name in enumerate(writers)
    ]
    ratings = [Rating("1", one.id, {"usefulness": 2 + n % 2 * 2}) for n, one in enumerate(items)]
    study = Study(tuple(items), tuple(origins), ("a", "b"), 1, 0)

    (found,) = (one for one in findings(study, ratings) if one.table == "difference")
    assert found.to_detect == pytest.approx(63, rel=0.15)


def test_a_difference_says_how_many_items_settle_it(study, directory, tmp_path) -> None:
    def rate(item: Item, origin: Origin) -> tuple[int, int]:
        return 3, (2 if origin.writer == "a" else 4) + int(item.id[1:]) % 2

    scores = score_study(directory, [rated(study, tmp_path / "1.csv", "1", rate)], smallest=1)
    found = {(one.name, one.scale): one for one in scores.findings}
    settled = found["b − a", "faithfulness"]
    assert settled.value is not None and 1.3 < settled.value < 2.7
    assert settled.low is not None and settled.low > 0
    assert settled.to_settle is not None and settled.to_detect is not None
    assert 2 <= settled.to_settle < settled.to_detect < 30
    assert "to settle it  to detect 1" in str(scores)


def test_a_rater_who_does_not_tell_controls_from_models_is_named(directory, tmp_path) -> None:
    study = draw([writer("a")], per_model=10, controls=5, raters=2, seed=0)
    write_key(study, directory)
    scores = score_study(
        directory,
        [
            rated(study, tmp_path / "1.csv", "1", lambda item, one: (3, 3)),
            rated(study, tmp_path / "2.csv", "2", lambda item, one: (3, 4 - (one.kind != "model"))),
        ],
    )
    (note,) = scores.notes
    assert note.startswith("rater 1 finds rationales of other questions as faithful as")


def test_incomplete_reordered_and_repeated_files_are_read(study, directory, tmp_path) -> None:
    whole = rated(study, tmp_path / "1.csv", "1", lambda item, one: (3, int(item.id[1:]) % 5 + 1))
    header, *lines = whole.read_text().splitlines()
    part = tmp_path / "part.csv"
    part.write_text("\n".join([header, *lines[5:9], *lines[3:6]]) + "\n")
    # A rater who stopped halfway through an item; a spreadsheet has written 4.0.
    other = tmp_path / "2.csv"
    rows = [f"{study.id},2,{study.items[0].id},4.0,,1.5,", f"{study.id},2,i002,,,,", ""]
    other.write_text("\n".join([header, *rows]))

    ratings = read_ratings([part, other, whole], study)
    assert [one for one in ratings if one.rater == "1"] == read_ratings([whole], study)
    (second,) = (one for one in ratings if one.rater == "2")
    assert (second.levels, second.seconds) == ({"usefulness": 4}, 1.5)
    assert (
        score_study(directory, [part, other])
        .notes[-1]
        .startswith(f"rater 2 has rated 0 of {len(study.items)} items completely")
    )


def test_a_few_ratings_have_no_interval(study, directory, tmp_path) -> None:
    path = tmp_path / "1.csv"
    own = [item.id for item, one in zip(study.items, study.origins, strict=True)
           if one.group == "a"][:4]  # fmt: skip
    rows = [f"{study.id},1,{id},{n},3,," for n, id in enumerate(own, 1)]
    path.write_text("\n".join([",".join(HEADER), *rows]))
    found = score_study(directory, [path]).findings
    (mean,) = (one for one in found if (one.name, one.scale) == ("a", "usefulness"))
    assert mean.value is not None and (mean.low, mean.high, mean.items) == (None, None, 4)
    assert not [one for one in found if one.table == "difference"]


def test_a_file_that_was_saved_in_the_middle_of_an_item_agrees_with_a_later_one(
    study, tmp_path
) -> None:
    early, late = (
        [f"{study.id},1,i001,4,,2.0,", f"{study.id},1,i002,,3,,"],
        [f"{study.id},1,i001,4,2,9.5,seen", f"{study.id},1,i002,5,,,"],
    )
    files = []
    for name, rows in (("early", early), ("late", late)):
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("\n".join([",".join(HEADER), *rows]) + "\n")
    expected = [
        Rating("1", "i001", {"usefulness": 4, "faithfulness": 2}, 9.5, "seen"),
        Rating("1", "i002", {"usefulness": 5, "faithfulness": 3}),
    ]
    assert read_ratings(files, study) == expected
    assert read_ratings(files[::-1], study) == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("STUDY,1,i001,6,3,,", "usefulness: must be a whole number from 1 to 5 (got '6')"),
        ("STUDY,1,i001,3,2.5,,", "faithfulness: must be a whole number from 1 to 5 (got '2.5')"),
        ("STUDY,1,i001,3,good,,", "(got 'good')"),
        ("STUDY,1,i999,3,3,,", "the study has no item 'i999'"),
        ("s0123,1,i001,3,3,,", "rates the study 's0123', and this is"),
        ("STUDY,,i001,3,3,,", "no rater: fill the column 'rater'"),
        ("STUDY,1,i002,3,3,,\nSTUDY,1,i002,3,4,,", "rater 1 has rated item i002 differently in"),
        ("STUDY,1,i001,3,3", "5 values, but the header names 7"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(study, tmp_path, row, reason) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(f"{','.join(HEADER)}\n{row.replace('STUDY', study.id)}\n")
    with pytest.raises(DataError) as error:
        read_ratings([path], study)
    assert reason in str(error.value) and str(error.value).startswith(f"{path}, line ")


def test_what_label_studio_exports_is_read(study, tmp_path) -> None:
    """As `JSON-MIN` and `CSV` of Label Studio 1.x: a choice alone is its text."""
    rows = [
        {
            **{"id": 7, "study": study.id, "item": "i001", "question": "?", "annotation_id": 1},
            **{"usefulness": "4", "faithfulness": "2", "annotator": 1, "lead_time": 12.5},
        },
        {**{"id": 8, "study": study.id, "item": "i002", "annotator": 2}, "faithfulness": "5"},
    ]
    as_json = tmp_path / "export.json"
    as_json.write_text(json.dumps(rows))
    ratings = read_ratings([as_json], study)
    assert [(one.rater, one.item, one.levels, one.seconds) for one in ratings] == [
        ("1", "i001", {"usefulness": 4, "faithfulness": 2}, 12.5),
        ("2", "i002", {"faithfulness": 5}, None),
    ]
    as_csv = tmp_path / "export.csv"
    as_csv.write_text(f"annotator,item,study,usefulness\n1,i001,{study.id},4\n")
    (one,) = read_ratings([as_csv], study)
    assert one.levels == {"usefulness": 4}


def test_the_command_writes_a_page_and_tables(study, directory, tmp_path) -> None:
    files = [
        rated(study, tmp_path / f"{n}.csv", f"{n}", lambda item, one, n=n: (
            min(5, int(item.id[1:]) % 4 + n), int(item.id[1:]) % 3 + n))
        for n in (1, 2)
    ]  # fmt: skip
    result = invoke("study", "score", directory, *files)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("48 ratings of 24 items\n")
    assert result.output.endswith(f"report: {directory / 'scores' / 'index.html'}\n")
    page = (directory / "scores" / "index.html").read_text()
    assert "Krippendorff" in page and "b − a" in page
    items = table(directory / "scores" / "items.csv")
    assert [row["item"] for row in items] == [item.id for item in study.items]
    assert {row["group"] for row in items} == {"a", "b", "shuffled", "generic"}
    assert items[0]["usefulness, rater 1"] == "2" and items[0]["faithfulness, rater 2"] == "3"
    numbers = table(directory / "scores" / "scores.csv")
    assert {row["table"] for row in numbers} >= {"agreement", "score", "difference", "rater"}

    for arguments, reason in (
        ((tmp_path, *files), "it has no key.json"),
        ((directory, tmp_path / "none.csv"), "there is no such file"),
        ((directory, directory / "key.json"), "no column item, rater"),
    ):
        result = invoke("study", "score", *arguments)
        assert result.exit_code == 2 and reason in result.output, result.output
        assert len(result.output.splitlines()) == 1
