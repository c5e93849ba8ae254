"""A corpus of a recipe in this folder, its stages trained from several seeds, and their losses on its held-out samples.

corpus = LearningCorpus.built("interleaving", folder)
run = corpus.train("interleaved", seed=1)
corpus.loss("interleaved", run, "t-given-s")      2.31 nats
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.evaluation import HeldOutCorpus, settings_of
from weft.jobs.reply_check import vocabulary_files
from weft.pipelines.storage.store import Store
from weft.schemas.plan import VALIDATION_STAGE
from weft.trainer import losses, runs
from weft.trainer.evaluation.held_out import HeldOutChoice, choose
from weft.trainer.evaluation.measuring import ConditionLoss, measure
from weft.trainer.generation import Decoding
from weft.trainer.loader import DrawReader
from weft.trainer.losses import LossRow
from weft.trainer.models.network import Network
from weft.trainer.models.starting import starting
from weft.trainer.objectives.factory import reply_ends
from weft.trainer.prompts import PromptStream
from weft.trainer.replies import PromptSample, Reply, ReplyReader
from weft.trainer.rollouts import Rollouts
from weft.trainer.train import train

SEEDS = (1, 2, 3)
HELD_OUT = 300  # samples of a task that are measured


@dataclass(frozen=True)
class LearningCorpus(HeldOutCorpus):
    """The corpus of a recipe, and a folder for the runs that are trained on it. What is built or trained already is kept."""

    folder: Path

    @classmethod
    def built(cls, name: str, folder: Path, overrides: Sequence[str] = ()) -> "LearningCorpus":
        """Builds the recipe `name` of this folder."""
        recipe = Path(__file__).with_name(f"{name}.yaml")
        pipeline, store = read_pipeline(str(recipe), overrides), Store(str(folder / "corpus"))
        (folder / "corpus").mkdir(parents=True, exist_ok=True)
        build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
        return cls(pipeline=pipeline, store=store, folder=folder)

    def shards(self, stage: str) -> Path:
        return Path(self.store.path(f"shards/{stage}"))

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The vocabulary's files, by name."""
        return vocabulary_files(self.store)

    @cached_property
    def reader(self) -> ReplyReader:
        return ReplyReader.of(self.vocabulary, self.files["tokenizer.json"])

    @property
    def held_out(self) -> DrawReader:
        """All held-out samples."""
        return DrawReader(self.shards(VALIDATION_STAGE))

    def trained_prompts(self, stage: str, count: int) -> list[PromptSample]:
        """The first `count` prompts that a stage is trained on."""
        return list(islice(PromptStream(draws=DrawReader(self.shards(stage)), count=1).prompts(), count))

    def prompts(self, task: str) -> list[PromptSample]:
        """The held-out prompts of a task, HELD_OUT at most."""
        every = PromptStream(draws=self.held_out, count=1).prompts()
        return list(islice((prompt for prompt in every if prompt.draw.task == task), HELD_OUT))

    def replies(
        self,
        network: Network,
        prompts: Sequence[PromptSample],
        new_tokens: int,
        temperature: float = 0.0,
        each: int = 1,
    ) -> list[Reply]:
        """The likeliest reply to each prompt; at a temperature `each` that are sampled, those to one prompt in a row."""
        decoding = Decoding(new_tokens=new_tokens, ends=reply_ends(self.vocabulary), temperature=temperature)
        rollouts = Rollouts(
            decoding=decoding, reader=self.reader, seed=0, forward_tokens=8192, encoders=self.measuring.encoders
        )
        return [rollout.reply for rollout in rollouts.sample(network, prompts, step=0, each=each)]

    def train(self, stage: str, seed: int, start: Path | None = None) -> Path:
        """Trains a stage, from the checkpoint `start` where it starts from another stage; returns its last checkpoint."""
        run, settings = self.folder / f"run-{seed}", self.pipeline.recipe.training[stage]
        text = yaml.safe_dump(self.pipeline.recipe.model_dump(mode="json"), sort_keys=False)
        print(f"{stage}, seed {seed}", flush=True)
        train(
            self.shards(stage), run / stage, settings, self.vocabulary, text, seed, resume=True, report=lambda step: None,
            start=start, encoders=self.measuring.encoders, files=self.files, rewards=self.pipeline.rewards.get(stage, ()),
        )  # fmt: skip
        return runs.start_of(run, stage)

    def checkpoints(self, stage: str, seed: int) -> list[Path]:
        """Those of a stage that was trained, in order."""
        return sorted((self.folder / f"run-{seed}" / stage / "checkpoints").glob("step-*"))

    def network(self, stage: str, weights: Path) -> Network:
        """A checkpoint of a stage or of a merge."""
        return starting(settings_of(self.pipeline.recipe, stage), self.vocabulary, 0, weights, self.measuring.encoders)

    def trained(self, stage: str, seed: int) -> list[LossRow]:
        """The steps of a stage that was trained."""
        return [row for row in losses.read(self.folder / f"run-{seed}" / stage) if row.task == "all"]

    def loss(self, stage: str, weights: Path, task: str) -> float:
        """Nats a token, as `losses`, of a task whose tokens have one condition."""
        (condition,) = self.losses(stage, weights, task).values()
        return condition.per_token

    def losses(self, stage: str, weights: Path, task: str) -> dict[str, ConditionLoss]:
        """Of a checkpoint of a stage on the held-out samples of a task, by what a token is and what stands before it."""
        settings = self.pipeline.recipe.training[stage]
        choice = HeldOutChoice(tasks=(task,), samples=HELD_OUT, context=settings.context)
        held_out = choose(self.shards(VALIDATION_STAGE), choice)
        if held_out is None:
            raise ValueError(f"nothing of {task} is held out")
        return measure(self.network(stage, weights), held_out, self.measuring.of(settings))
