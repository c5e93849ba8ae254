"""MFA's part, against its command line and the files it writes: a stand-in records the one and writes the others."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from weft.outside.process import OutsideFault
from weft.pipelines.aligners.base import Clip, Unalignable
from weft.pipelines.aligners.mfa import Aligner, version_of_mfa
from weft.pipelines.audio.sound import RATE

# writes, for each .lab, what MFA 3 writes: words a quarter of a second each from 0.1 s on, a phone in each half
STAND_IN = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "calls.jsonl", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
verb, *rest = sys.argv[1:]
if verb == "version":
    print("{version}")
elif verb == "train":
    if any("forget" in lab.read_text() for lab in pathlib.Path(rest[0]).rglob("*.lab")):
        sys.exit("no memory")
    pathlib.Path(rest[2]).write_bytes(b"a model")
elif verb.startswith("align"):
    corpus, dictionary, acoustic, out = map(pathlib.Path, rest[:4])
    known = {{line.split("\\t")[0] for line in dictionary.read_text().splitlines()}}
    for lab in corpus.rglob("*.lab"):
        words = lab.read_text().split()
        if "vanish" in words:
            continue
        if "hopeless" in words:
            sys.exit("NoAlignmentsError:\\n\\n  There were no successful alignments for 1 utterances.")
        if "crash" in words:
            sys.exit("  CorpusError: There was a problem")
        end = 0.1 + 0.25 * len(words)
        spans = [(0.1 + 0.25 * n, 0.35 + 0.25 * n, w if w in known else "<unk>") for n, w in enumerate(words)]
        phones = [(a + d, a + d + 0.125, p) for a, b, w in spans for d, p in ((0, "AH0"), (0.125, "T"))]
        entries = {{"words": [(0, 0.1, "")] + spans + [(end, end + 1, "")], "phones": [(0, 0.1, "")] + phones}}
        target = out / lab.relative_to(corpus).with_suffix(".json")
        target.parent.mkdir(parents=True, exist_ok=True)
        tiers = {{name: {{"type": "interval", "entries": rows}} for name, rows in entries.items()}}
        target.write_text(json.dumps({{"start": 0, "end": end + 1, "tiers": tiers}}))
"""


def stand_in(folder: Path, version: str = "3.4.3") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mfa"
    path.write_text(STAND_IN.format(python=sys.executable, version=version))
    path.chmod(0o755)
    return str(path)


def calls(command: str) -> list[list[str]]:
    lines = (Path(command).parent / "calls.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if '"version"' not in line]


def clips(*texts: str, speaker: str = "s1") -> list[Clip]:
    return [Clip(np.zeros(3 * RATE, np.float32), text.split(), speaker) for text in texts]


@pytest.fixture
def pretrained(tmp_path: Path) -> Aligner:
    dictionary = tmp_path / "english.dict"
    dictionary.write_text("and\tAE1 N D\nthen\tDH EH1 N\ncrash\tK\nvanish\tV\n")
    return Aligner(command=stand_in(tmp_path / "bin"), acoustic="english_us_arpa", dictionary=str(dictionary))


def test_words_and_phones_come_back_in_the_order_of_the_clips(pretrained: Aligner) -> None:
    first, second = pretrained.align_clips([*clips("and then"), *clips("then", speaker="../s 2")])
    assert [(w.text, round(w.start, 3), round(w.end, 3)) for w in first.words] == [
        ("and", 0.1, 0.35),
        ("then", 0.35, 0.6),
    ]
    assert [p.text for p in first.phones] == ["AH0", "T", "AH0", "T"]
    assert [w.text for w in second.words] == ["then"]
    assert pretrained.version().startswith("mfa-3.4.3 english_us_arpa ")


def test_the_command_is_the_one_of_the_version(pretrained: Aligner, tmp_path: Path) -> None:
    list(pretrained.align_clips(clips("and")))
    (call,) = calls(pretrained.command)
    assert call[0] == "align"
    assert call[2:4] == [pretrained.dictionary, "english_us_arpa"]
    assert call[call.index("--output_format") + 1] == "json"
    assert {"--clean", "--final_clean", "--overwrite", "--no_use_postgres", "--temporary_directory"} <= set(call)
    newer = pretrained.model_copy(update={"command": stand_in(tmp_path / "four", "4.0.1")})
    list(newer.align_clips(clips("and")))
    assert calls(newer.command)[0][0] == "align_legacy"


def test_what_mfa_cannot_do_is_a_reason(pretrained: Aligner) -> None:
    lost, unknown, fine = pretrained.align_clips(clips("vanish", "and zyzzy then", "then"))
    assert isinstance(lost, Unalignable) and lost.reason == "alignment_failed"
    assert isinstance(unknown, Unalignable) and unknown.reason == "unknown_word" and "'zyzzy'" in unknown.detail
    assert not isinstance(fine, Unalignable)
    (hopeless,) = pretrained.align_clips(clips("hopeless"))
    assert isinstance(hopeless, Unalignable) and hopeless.reason == "alignment_failed"
    assert list(pretrained.align_clips([])) == []


def test_a_run_that_fails_is_no_reject(pretrained: Aligner, tmp_path: Path) -> None:
    with pytest.raises(OutsideFault, match=r"^mfa align: CorpusError: There was a problem"):
        list(pretrained.align_clips(clips("and then", "crash")))
    learner = Aligner(command=stand_in(tmp_path / "learner"))
    with pytest.raises(OutsideFault, match=r"^mfa train: no memory"):
        learner.train(clips("forget"), tmp_path, seed=1)


def test_a_name_on_the_hub_is_none_of_mfas(pretrained: Aligner) -> None:
    with pytest.raises(ValueError, match="hf://org/mfa: MFA takes the name"):
        Aligner(command=pretrained.command, acoustic="hf://org/mfa", dictionary=pretrained.dictionary)


def test_it_is_trained_on_the_corpus_with_a_dictionary_of_wefts_own(tmp_path: Path) -> None:
    learner = Aligner(command=stand_in(tmp_path / "bin"), language="de")
    assert learner.training_seconds > 0
    folder = tmp_path / "model"
    folder.mkdir()
    learner.train(clips("ich bin", "кот"), folder, seed=1)
    assert (folder / "dictionary.txt").read_text("utf-8") == "bin\tb ɪ n\nich\tɪ ç\n"
    (call,) = calls(learner.command)
    assert call[0] == "train" and call[3] == str(folder / "acoustic.zip")
    (nothing,) = learner.align_clips(clips("ich"))
    assert isinstance(nothing, Unalignable)
    learner.load(folder)
    (found,) = learner.align_clips(clips("ich"))
    assert [w.text for w in found.words] == ["ich"]


def test_a_wrong_command_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not run"):
        Aligner(command="/nowhere/mfa")
    with pytest.raises(ValueError, match="needs its `dictionary`"):
        Aligner(command=stand_in(tmp_path / "bin"), acoustic="english_mfa")
    assert version_of_mfa(stand_in(tmp_path / "other", "v3.2.0a")) == "3.2.0a"
