"""Systems are trained on corpora that are whole."""

from pathlib import Path

import pytest

from weft.benchmarks import corpora, systems


def test_corpora_whose_builds_were_stopped_are_built_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for recipe in corpora.SYSTEMS:  # what is there as soon as a build begins
        (tmp_path / recipe).mkdir()
        (tmp_path / recipe / "recipe.yaml").touch()
    built: list[str] = []

    def build(folder: str) -> int:
        built.append(folder)
        return 1

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(corpora, "main", build)
    assert systems.main(str(tmp_path)) == 1
    assert built == [str(tmp_path)]
