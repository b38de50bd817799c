from __future__ import annotations

from pathlib import Path

from saysel.formats.sayself import SaySelfFormat
from saysel.models.remote import RemoteModel
from saysel.records import ModelRef
from saysel.sources.witness import WitnessSource
from saysel.testing import Steps


def test_the_name_is_all_there_is(tmp_path: Path) -> None:
    model = RemoteModel(name="gpt-small", revision="may")

    ref = model.prepare(WitnessSource(), SaySelfFormat(), tmp_path, 0, Steps())

    assert ref == ModelRef("gpt-small", "may")
    assert list(tmp_path.iterdir()) == []
