"""The folders are the registry."""

import pytest

from weft.pipelines.choices.registry import ChoiceError, make, names
from weft.pipelines.sources.text import Source
from weft.schemas.recipe import Choice


def test_modules_that_define_the_class_are_offered() -> None:
    assert names("sources") == [
        "checkable", "folder", "grammar", "huggingface", "kaldi", "lhotse", "manifest", "pairs", "pictures", "preferences", "questions",
        "scenes", "script", "tars", "text", "tools", "urls",
    ]  # fmt: skip
    assert {"words", "ratio", "speech", "text", "turns", "dialogue", "prompts"} <= set(names("tasks"))
    assert "base" not in names("aligners") and "sphinx" in names("aligners")
    assert {"bpe", "hubert"} <= set(names("tokenizers"))


def test_a_choice_is_made_with_its_settings() -> None:
    made = make("sources", Choice.model_validate({"use": "text", "path": "p", "longest": 300}))
    assert made == Source(path="p", longest=300)


def test_an_unknown_backend_lists_what_there_is() -> None:
    with pytest.raises(ChoiceError, match="unknown source 'files'; known: checkable, folder, grammar") as fault:
        make("sources", Choice(use="files"))
    assert fault.value.path == ("use",)


@pytest.mark.parametrize(
    ("settings", "path"), [({"longer": 3}, ("longer",)), ({"longest": 5}, ("longest",)), ({"path": None}, ("path",))]
)
def test_a_wrong_setting_leads_to_its_key(settings: dict[str, object], path: tuple[str, ...]) -> None:
    with pytest.raises(ChoiceError) as fault:
        make("sources", Choice.model_validate({"use": "text", "path": "p", **settings}))
    assert fault.value.path == path
