"""The check of the wording: what it finds and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import plain_words

WORDS = plain_words.word_list()


def violations(path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    monkeypatch.setattr(plain_words, "ROOT", path.parent)
    path.write_text(text, encoding="utf-8")
    return [(line, phrase) for line, phrase, _ in plain_words.violations(path, WORDS)]


@pytest.mark.skipif(not (plain_words.ROOT / ".git").exists(), reason="not a git checkout")
def test_without_files_the_whole_project_is_checked() -> None:
    assert len(plain_words.project_files(WORDS.pending)) >= 400


def test_every_pending_entry_exists() -> None:
    assert all((plain_words.ROOT / entry).exists() for entry in WORDS.pending)


def test_a_violation_names_file_line_phrase_and_replacement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plain_words, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nThe result hangs\non the seed.\n", encoding="utf-8")

    assert plain_words.main([str(page)]) == 1
    assert capsys.readouterr().out == "page.md:3: 'hangs on': write depends on\n"


def test_comments_strings_and_function_names_of_code_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "told = nobody(behind)  # a comment that\n"
        "# hangs\n"
        "# on the next line\n"
        "def test_it_is_mended():\n"
        "    raise ValueError(f'{told} stands '\n"
        "        'beside it')\n"
    )

    found = violations(tmp_path / "code.py", code, monkeypatch)

    assert found == [(2, "hangs on"), (4, "mended"), (5, "stands beside"), (6, "beside")]


def test_strings_of_tests_are_data_but_docstrings_are_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr(plain_words, "ROOT", tmp_path)
    path = tmp_path / "tests" / "test_it.py"
    path.write_text('def test():\n    """Nobody."""\n    x = "nobody"\n', encoding="utf-8")

    assert [line for line, *_ in plain_words.violations(path, WORDS)] == [2]


def test_literal_uses_marked_lines_and_generated_blocks_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (
        "It runs behind a proxy.\n"
        "Nobody. <!-- plain-words: ok -->\n"
        "<!-- generated: hooks -->\nnobody\n<!-- end generated -->\n"
        "Words that only contain one: nobody's, amendment, mendable, beside.\n"
    )

    found = violations(tmp_path / "page.md", page, monkeypatch)

    assert found == [(6, "beside"), (6, "nobody")]
