"""A share that holds out nobody or everybody is refused: by the listing, or once the data was read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.corpus.hold_out import check_listing
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.hold_out_work import HoldOutWork, Space
from weft.pipelines.parts.splits import SplitError, Splits
from weft.pipelines.parts.tables import part_name, write_part
from weft.pipelines.sources import grammar, kaldi, lhotse, manifest, script, text, urls
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.espeak import Voice
from weft.schemas.audio import Audio, Utterance
from weft.schemas.changes import reasons
from weft.schemas.recipe import Recipe
from weft.schemas.splits import HoldOut, Kind
from weft.schemas.text import Dialogue, Document, Turn

NOBODY, EVERYBODY = 1e-9, 1 - 1e-9


def checked(source: Source, kind: Kind, share: float) -> None:
    given = source.model_copy(update={"hold_out": HoldOut(**{kind: share})})
    check_listing(Space({"read": Splits(space="read", names=given.splits, hold_out=given.hold_out)}), {"read": given})


def by_manifest(folder: Path) -> Source:
    lines = [{"audio": f"{n}.wav", "speaker": f"s{n % 3}", "split": "test" if n > 5 else ""} for n in range(9)]
    (folder / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "nonsense\n")
    return manifest.Source(path=str(folder / "m.jsonl"))


def by_kaldi(folder: Path) -> Source:
    (folder / "wav.scp").write_text("".join(f"r{n} r{n}.wav\n" for n in range(6)))
    (folder / "utt2spk").write_text("".join(f"r{n} s{n % 3}\n" for n in range(6)))
    return kaldi.Source(path=str(folder))


def by_lhotse(folder: Path) -> Source:
    cuts = [
        {
            "id": f"c{n}", "start": 0, "duration": 1, "channel": 0, "type": "MonoCut",
            "custom": {"split": "test" if n > 5 else "train"},
            "recording": {"id": f"r{n}", "sources": [{"type": "file", "source": f"{n}.wav"}]},
            "supervisions": [{"start": 0, "duration": 1, "speaker": f"s{n % 3}"}],
        }
        for n in range(9)
    ]  # fmt: skip
    (folder / "cuts.jsonl").write_text("".join(json.dumps(cut) + "\n" for cut in [*cuts, {}]))
    return lhotse.Source(path=str(folder / "cuts.jsonl"))


LISTS: dict[str, Callable[[Path], Source]] = {"manifest": by_manifest, "kaldi": by_kaldi, "lhotse": by_lhotse}


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize(("kind", "names"), [("speakers", 3), ("recordings", 6), ("items", 6)])
def test_names_are_counted_in_the_listing(
    tmp_path: Path, listed: Callable[[Path], Source], kind: Kind, names: int
) -> None:
    """What the data itself calls test is not counted."""
    source = listed(tmp_path)
    with pytest.raises(SplitError, match=f"hold_out.{kind} 1e-09 of source read selects 0 of its {names} {kind}, "):
        checked(source, kind, NOBODY)
    with pytest.raises(
        SplitError, match=f"selects all {names} of its {kind}, so nothing is left to train on; lower it"
    ):
        checked(source, kind, EVERYBODY)
    checked(source, kind, 0.5)


def test_roles_of_a_dialogue_are_its_own(tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="selects 0 of its 40 speakers"):
        checked(grammar.Source(count=20), "speakers", NOBODY)
    turns = [{"speaker": "a", "text": "yes"}, {"speaker": "b", "text": "no"}]
    lines = [{"id": str(n), "turns": turns} for n in range(4)] + [{"id": "bad"}]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(SplitError, match="selects 0 of its 4 recordings"):
        checked(script.Source(path=str(tmp_path / "d.jsonl")), "recordings", NOBODY)


def test_dialogues_that_the_voice_cannot_speak_are_nobody(tmp_path: Path) -> None:
    """Where what is selected is all of a language that the voice has not."""
    splits = Splits(space="read", hold_out=HoldOut(items=0.4), by_text=True)
    lines = []
    for asked in (f"Who are you, {n}?" for n in range(30)):
        (name,) = splits.named(
            Dialogue(key="d", source="read", turns=(Turn(speaker="", role="human", text=asked),))
        ).items
        language = "xx" if splits.selects(name) else "de"
        lines.append({"turns": [{"role": "human", "text": asked}], "language": language})
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    source, count = script.Source(path=str(tmp_path / "d.jsonl")), sum(line["language"] == "de" for line in lines)
    check_listing(Space({"read": splits}), {"read": source})
    with pytest.raises(SplitError, match=f"selects 0 of its {count} items"):
        check_listing(Space({"read": splits}), {"read": source}, Voice())


def test_a_list_without_speakers_has_none_to_hold_out(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("https://a/b.flac\nhttps://a/c.flac\n")
    with pytest.raises(SplitError, match="selects nobody: the data names no speakers; hold out another kind"):
        checked(urls.Source(path=str(tmp_path / "list.txt")), "speakers", 0.5)


def test_what_only_reading_shows_is_left_to_the_build(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    checked(text.Source(path=str(tmp_path)), "items", NOBODY)


def utterance(speaker: str, split: str, key: str = "u", **more: Any) -> Utterance:
    return Utterance(
        key=f"{key}-0000", recording=key, source="read", audio=Audio("/a"), sha256="", start=0.0, end=1.0,
        speaker=speaker, split=split, path=key, item=key, **more,
    )  # fmt: skip


class TestWork:
    needs = (part_name("segment/read", 0),)

    def work(self, kind: Kind, share: float, is_text: bool = False) -> HoldOutWork:
        return HoldOutWork(
            Space({"read": Splits(space="read", hold_out=HoldOut(**{kind: share}))}), self.needs, is_text
        )

    def test_it_counts_names_and_who_has_none(self, store: Store) -> None:
        work = self.work("speakers", 0.5)
        rule = work.space.rule
        rows = [utterance(n, "validation" if rule.selects(n) else "train") for n in ("a", "b", "c", "d", "e", "f")]
        given = [*rows, *rows, utterance("", "train"), utterance("z", "test"), utterance("y", "validation")]
        write_part(store, self.needs[0], given, Utterance, "one")
        assert not work.done(store)
        held = work.run(store)
        assert work.done(store) and held == len([r for r in rows if r.split == "validation"])
        counts = json.loads(store.read("splits/read.json"))
        assert (counts["kind"], counts["held_out"], counts["without_name"]) == ("speakers", held, 1)
        assert counts["names"] in (6, 7)  # y has the split by its own data, unless its name is selected too
        assert not self.work("speakers", 0.4).done(store)
        write_part(store, self.needs[0], given[1:], Utterance, "two")
        assert not work.done(store)

    def test_a_count_that_was_edited_is_made_anew_and_a_changed_share_is_named(self, store: Store) -> None:
        work = self.work("speakers", 0.5)
        rows = [utterance(n, "validation" if work.space.rule.selects(n) else "train") for n in "abcdef"]
        write_part(store, self.needs[0], rows, Utterance, "one")
        work.run(store)
        other = self.work("speakers", 0.4)
        named = reasons(work.recorded(store) or {}, other.made_from(store))
        assert named == ["setting `hold_out.speakers` was 0.5, is now 0.4"]
        store.write(work.makes, store.read(work.makes).replace(b'"held_out": ', b'"held_out": 1'))
        assert work.recorded(store) is None and not work.done(store)

    @pytest.mark.parametrize(("kind", "names"), [("recordings", 3), ("items", 3), ("speakers", 2)])
    def test_nobody_is_refused(self, store: Store, kind: Kind, names: int) -> None:
        rows = [utterance(f"s{n % 2}", "train", f"r{n}") for n in range(3)]
        write_part(store, self.needs[0], rows, Utterance, "one")
        with pytest.raises(SplitError, match=f"hold_out.{kind} 1e-09 of source read selects 0 of its {names} {kind}"):
            self.work(kind, NOBODY).run(store)
        assert not store.exists("splits/read.json")

    def test_everybody_is_refused(self, store: Store) -> None:
        write_part(store, self.needs[0], [utterance("a", "validation")], Utterance, "one")
        with pytest.raises(SplitError, match="selects all 1 of its speakers"):
            self.work("speakers", EVERYBODY).run(store)

    def test_documents_are_items_by_their_text(self, store: Store) -> None:
        rows = [Document(f"d{n}", "read", f"text {n % 2}", split="train") for n in range(4)]
        write_part(store, self.needs[0], rows, Document, "one")
        with pytest.raises(SplitError, match="selects 0 of its 2 items"):
            self.work("items", NOBODY, is_text=True).run(store)


def test_the_work_begins_before_any_model_learns() -> None:
    """The scheduler takes the last of what is ready."""
    recipe = Recipe.model_validate(
        {
            "name": "r",
            "sources": {"read": {"use": "folder", "path": "raw", "hold_out": {"speakers": 0.1}}},
            "tokenizers": {"hubert": {"use": "hubert"}},
        }
    )
    works = Pipeline(recipe).works({"read": 2})
    assert isinstance(works[-1], HoldOutWork) and works[-1].needs == (
        "segment/read/part-00000.parquet",
        "segment/read/part-00001.parquet",
    )
