"""Forced alignment by the Montreal Forced Aligner, run as a command in its own environment.

    Aligner(command="conda run -n mfa mfa", acoustic="english_us_arpa", dictionary="english_us_arpa")     pretrained
    Aligner(command="/envs/mfa/bin/mfa")                                                                   trained on the corpus

    corpus/s1/00000.wav 00000.lab  ─ mfa align ─  aligned/s1/00000.json: {"tiers": {"words": {"entries": [[0.31, 0.52, "and"], …]}}}

Where MFA is trained on the corpus, espeak-ng makes its dictionary. MFA reports no scores.
"""

import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
from pydantic import Field, PrivateAttr, field_validator, model_validator

from weft.outside.process import OutsideFault, OutsideTimeout
from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed, Unalignable
from weft.pipelines.aligners.common.lexicon import ENGLISH, checked_language, pronunciations, sounds
from weft.pipelines.audio.sound import RATE
from weft.pipelines.timings import textgrid, wordjson
from weft.pipelines.timings.base import Timing
from weft.schemas.fingerprint import content
from weft.schemas.hub import HUB
from weft.schemas.ledger import Unusable
from weft.schemas.settings import NAMED_CHECKPOINT, NOT_IN_FINGERPRINT

_UNKNOWN = ("<unk>", "spn", "<cutoff>")
_NONE_ALIGNED = "NoAlignmentsError"  # the only error of MFA that is due to the clips
_OPTIONS = ("--clean", "--final_clean", "--overwrite", "--quiet", "--no_use_postgres")


class Aligner(base.Aligner):
    """`acoustic` and `dictionary` are what `mfa align` takes: names of downloaded models, or paths. Without `acoustic` a model
    is trained on `seconds` of the corpus. `jobs` is MFA's own number of processes.
    """

    command: Annotated[str, NOT_IN_FINGERPRINT] = Field(default="mfa", validate_default=True)
    acoustic: Annotated[str, NAMED_CHECKPOINT] = ""
    dictionary: Annotated[str, NAMED_CHECKPOINT] = ""
    language: str = ENGLISH
    seconds: float = Field(default=14_400.0, gt=0)
    jobs: Annotated[int, NOT_IN_FINGERPRINT] = Field(default=2, ge=1)
    time_limit: Annotated[float, NOT_IN_FINGERPRINT] = Field(default=86_400.0, gt=0)  # seconds for one run of MFA

    _trained: Path | None = PrivateAttr(default=None)

    _speakable = field_validator("language")(checked_language)

    @field_validator("command")
    @classmethod
    def _runs(cls, command: str) -> str:
        version_of_mfa(command)
        return command

    @field_validator("acoustic", "dictionary")
    @classmethod
    def _not_on_the_hub(cls, name: str) -> str:
        if name.startswith(HUB):
            raise ValueError(f"{name}: MFA takes the name of a model that it downloaded itself, or a path")
        return name

    @model_validator(mode="after")
    def _has_dictionary(self) -> "Aligner":
        if self.acoustic and not self.dictionary:
            raise ValueError("a pretrained `acoustic` model needs its `dictionary`")
        return self

    @property
    def spoken_language(self) -> str:
        return self.language.partition("-")[0]

    @property
    def training_seconds(self) -> float:
        return 0.0 if self.acoustic else self.seconds

    @property
    def batch_seconds(self) -> float:
        return 3600.0

    def version(self) -> str:
        models = [content(model) for model in (self.acoustic, self.dictionary) if model]
        return " ".join([f"mfa-{version_of_mfa(self.command)}", *models])

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        """Writes nothing where no clip has a pronunciation for all its words. Raises OutsideFault when MFA fails."""
        pronounceable = [clip for clip in clips if all(self._pronunciations(word) for word in clip.spoken)]
        if not pronounceable:
            return
        with tempfile.TemporaryDirectory() as scratch:
            lay_out(pronounceable, Path(scratch, "corpus"))
            dictionary = self._dictionary(pronounceable, folder / "dictionary.txt")
            self._run(["train", f"{scratch}/corpus", dictionary, f"{folder}/acoustic.zip"], scratch)

    def load(self, folder: Path) -> None:
        self._trained = folder if (folder / "acoustic.zip").exists() else None

    def align_clips(self, clips: Sequence[Clip]) -> Iterator[Timed | Unusable]:
        if not clips:
            return
        with tempfile.TemporaryDirectory() as scratch:
            names = lay_out(clips, Path(scratch, "corpus"))
            try:
                self._run(self._alignment_of(clips, scratch), scratch)
            except Unalignable as fault:
                yield from [fault] * len(clips)
                return
            for clip, name in zip(clips, names, strict=True):
                yield self._read(clip, Path(scratch, "aligned", name))

    def _alignment_of(self, clips: Sequence[Clip], scratch: str) -> list[str]:
        """The arguments of the alignment. From MFA 4 on, models like these need `align_legacy`. Raises Unalignable without a model."""
        verb = "align_legacy" if int(version_of_mfa(self.command).split(".")[0]) >= 4 else "align"
        if not self.acoustic and self._trained is None:
            raise Unalignable("alignment_failed", "there was nothing that MFA could be trained on")
        acoustic = self.acoustic or f"{self._trained}/acoustic.zip"
        dictionary = self._dictionary(clips, Path(scratch, "dictionary.txt"))
        return [verb, f"{scratch}/corpus", dictionary, acoustic, f"{scratch}/aligned", "--output_format", "json"]

    def _pronunciations(self, word: str) -> list[str]:
        if self.language == ENGLISH:
            return list(pronunciations(word))
        return [" ".join(phones) for phones in sounds(word, self.language)]

    def _dictionary(self, clips: Sequence[Clip], path: Path) -> str:
        """The named dictionary, or `path`, written with a line for each pronunciation of each word of the clips."""
        if self.dictionary:
            return self.dictionary
        words = sorted({word for clip in clips for word in clip.spoken})
        path.write_text(
            "".join(f"{word}\t{phones}\n" for word in words for phones in self._pronunciations(word)), "utf-8"
        )
        return str(path)

    def _run(self, arguments: list[str], scratch: str) -> None:
        """Raises OutsideFault with MFA's last message; Unalignable where MFA could align none of the clips."""
        options = [*_OPTIONS, "--num_jobs", str(self.jobs), "--temporary_directory", f"{scratch}/temporary"]
        command = [*shlex.split(self.command), *arguments, *options]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=self.time_limit)
        except subprocess.TimeoutExpired:
            raise OutsideTimeout(
                f"mfa {arguments[0]} took more than {self.time_limit:g} s; increase `time_limit`"
            ) from None
        if ran.returncode:
            messages = (ran.stderr or ran.stdout).strip().splitlines() or [f"status {ran.returncode}"]
            if _NONE_ALIGNED in ran.stdout + ran.stderr:
                raise Unalignable("alignment_failed", "mfa found no alignment")
            raise OutsideFault(f"mfa {arguments[0]}: {messages[-1][:200]}")

    def _read(self, clip: Clip, base_name: Path) -> Timed | Unalignable:
        """Reads MFA's output for a clip: JSON, or a TextGrid of versions without JSON."""
        try:
            supervisions = _timing(base_name).supervisions
        except FileNotFoundError:
            return Unalignable("alignment_failed", "mfa wrote no alignment of it")
        if len(supervisions) != 1:
            return Unalignable("alignment_failed", f"mfa wrote {len(supervisions)} alignments of it")
        (supervision,) = supervisions
        labels = [word.text for word in supervision.words]
        if any(label in _UNKNOWN for label in labels):
            missing = next((w for w, label in zip(clip.spoken, labels, strict=False) if label in _UNKNOWN), "")
            return Unalignable("unknown_word", f"no pronunciation for {missing!r} in MFA's dictionary")
        if len(labels) != len(clip.spoken):
            return Unalignable("alignment_failed", f"mfa timed {len(labels)} of {len(clip.spoken)} words")
        moved = [
            replace(word, start=word.start + supervision.start, end=word.end + supervision.start)
            for word in supervision.words
        ]
        phones = [
            replace(p, start=p.start + supervision.start, end=p.end + supervision.start) for p in supervision.phones
        ]
        return Timed(moved, phones)


def lay_out(clips: Sequence[Clip], corpus: Path) -> list[str]:
    """Writes clips as an MFA corpus, one folder per speaker (or per clip without a speaker). Returns the clips' names in it."""
    speakers = {name: number for number, name in enumerate(sorted({clip.speaker for clip in clips if clip.speaker}))}
    names = []
    for number, clip in enumerate(clips):
        folder = f"speaker-{speakers[clip.speaker]:05d}" if clip.speaker else f"clip-{number:06d}"
        path = corpus / folder / f"{number:06d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path.with_suffix(".wav"), np.clip(clip.samples, -1, 1), RATE, subtype="PCM_16")
        path.with_suffix(".lab").write_text(" ".join(clip.spoken) + "\n", "utf-8")
        names.append(f"{folder}/{number:06d}")
    return names


def _timing(base_name: Path) -> Timing:
    if (file := base_name.with_suffix(".json")).exists():
        return wordjson.read(file.read_bytes())
    return textgrid.read(base_name.with_suffix(".TextGrid").read_bytes())


@cache
def version_of_mfa(command: str) -> str:
    """The version of MFA. Raises ValueError where the command does not run."""
    try:
        ran = subprocess.run(
            [*shlex.split(command), "version"], capture_output=True, text=True, check=True, timeout=120
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        why = (
            f"{command!r} does not run ({type(error).__name__}); name the one of an environment with MFA by `command:`"
        )
        raise ValueError(why) from None
    if not (version := re.search(r"\d+\.\d+[\w.]*", ran.stdout + ran.stderr)):
        raise ValueError(f"{command!r} does not print its version")
    return version[0]
