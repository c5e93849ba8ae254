"""The loop on prompts: replies are sampled anew in each step, and a resumed run equals an uninterrupted one to the last bit."""

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.trainer.toys import FILES, VOCABULARY, prompt
from weft.schemas.faults import RecipeError
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import losses
from weft.trainer.loader import DrawReader
from weft.trainer.models.network import Network
from weft.trainer.models.starting import starting
from weft.trainer.objectives.factory import ObjectiveInputs, objective_of
from weft.trainer.prompts import PromptBatch, PromptStream
from weft.trainer.replies import PromptSample
from weft.trainer.rewards.label import Reward as Label
from weft.trainer.stream import StreamState
from weft.trainer.train import Result, StepReport, train

PROMPTS = [("ask", [2 + n % 18, 3], ()) for n in range(30)]
ANSWERS = [f"w{2 + n % 18}" for n in range(30)]
SAMPLING = {"new_tokens": 4, "temperature": 0.9, "top_p": 0.95}
OBJECTIVES = {
    "grpo": {"use": "grpo", "prompts": 4, "group": 3, "rewards": ["label"], "sampling": SAMPLING, "epochs": 2},
    "ppo": {"use": "ppo", "prompts": 4, "rewards": ["label"], "sampling": SAMPLING},
}


@pytest.fixture
def shards(make_shards: Callable[..., Path]) -> Path:
    return make_shards(PROMPTS, answers=ANSWERS)


@pytest.fixture
def go(shards: Path) -> Callable[..., Result]:
    def go(out: Path, stage: TrainingStage, resume: bool = False, stop: int = 0, **more: object) -> Result:
        def report(done: StepReport) -> None:
            if done.step == stop:
                raise KeyboardInterrupt

        given = {"files": FILES, "rewards": (Label(),), **more}
        return train(shards, out, stage, VOCABULARY, "", 0, resume, report, **given)  # type: ignore[arg-type]

    return go


def test_prompts_come_in_batches_with_their_answers(shards: Path) -> None:
    stream = PromptStream(DrawReader(shards), 8)
    batches = list(stream.batches(StreamState()))
    assert [len(batch.prompts) for batch in batches] == [8, 8, 8, 6] and stream.steps == 4
    prompts = [prompt for batch in batches for prompt in batch.prompts]
    assert [prompt.answer for prompt in prompts] == ANSWERS
    assert [prompt.key for prompt in prompts] == [f"s{n:04d}" for n in range(30)]
    assert [prompt.draw.ids.tolist() for prompt in prompts] == [ids for _, ids, _ in PROMPTS]
    (*_, last) = stream.batches(batches[1].after)
    assert [prompt.key for prompt in last.prompts] == [f"s{n:04d}" for n in range(24, 30)]
    assert last.after == StreamState(draw=30, step=4)
    with pytest.raises(ValueError, match="ends at draw 30; the state is at draw 31"):
        next(stream.batches(StreamState(draw=31)))


def test_more_prompts_a_step_than_the_stage_has_are_told(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    said: list[str] = []
    stage = make_prompt_stage({**OBJECTIVES["grpo"], "prompts": 4000})
    assert go(tmp_path / "run", stage, warn=said.append).step == 1
    assert said[:1] == ["run: `prompts` asks for 4,000 a step, and the stage has 30 in all: they are one step"]


@pytest.mark.parametrize(("use", "dtype"), [("grpo", "float32"), ("ppo", "bfloat16")])
def test_a_resumed_run_equals_an_uninterrupted_one(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path, use: str, dtype: str,
    llama: dict[str, object],
) -> None:  # fmt: skip
    stage = make_prompt_stage(OBJECTIVES[use], checkpoint_every=3, model={"config": llama, "dtype": dtype})
    whole = go(tmp_path / "whole", stage)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "cut", stage, stop=5)
    resumed = go(tmp_path / "cut", stage, resume=True)
    assert whole.step == resumed.step == 8
    assert (tmp_path / "cut" / losses.NAME).read_bytes() == (tmp_path / "whole" / losses.NAME).read_bytes()
    for name in ("model.safetensors", "optimiser.safetensors", *(["critic.safetensors"] if use == "ppo" else [])):
        one, other = load_file(whole.checkpoint / name), load_file(resumed.checkpoint / name)
        assert one.keys() == other.keys()
        assert all(one[key].tobytes() == other[key].tobytes() for key in one)


def test_replies_count_once_in_several_epochs(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    for epochs in (1, 3):
        go(tmp_path / f"{epochs}", make_prompt_stage({**OBJECTIVES["grpo"], "epochs": epochs}))
        rows = [row for row in losses.read(tmp_path / f"{epochs}") if row.task == "all"]
        assert [row.tokens for row in rows] == [12] * 7 + [6]
        assert all(0 <= row.metrics["ended"] <= 1 and 1 <= row.metrics["length"] <= 4 for row in rows)


def test_replies_are_learned_without_the_models_dropout(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path, llama: dict[str, object]
) -> None:
    objective = {**OBJECTIVES["grpo"], "epochs": 1}
    stage = make_prompt_stage(objective, model={"config": {**llama, "attention_dropout": 0.9}})
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", stage, stop=1)
    first = next(losses.read(tmp_path / "run"))
    assert first.metrics["kl"] == pytest.approx(0, abs=1e-6) and not first.metrics["clipped"]  # nothing has changed yet


def test_another_reward_is_another_run(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    class Newer(Label):
        def version(self) -> str:
            return "2"

    stage = make_prompt_stage(OBJECTIVES["grpo"], checkpoint_every=1)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", stage, stop=2)
    with pytest.raises(ValueError, match=r"settings\.rewards was \['label 1'\], is now"):
        go(tmp_path / "run", stage, resume=True, rewards=(Newer(),))


def sampled(stage: TrainingStage, prompts: list[PromptSample], step: int, seed: int, **tokens: int) -> list[list[int]]:
    objective = objective_of(
        stage.model_copy(update=tokens), VOCABULARY, ObjectiveInputs(files=FILES, seed=seed, rewards=(Label(),))
    )
    network: Network = starting(stage, VOCABULARY, 0)
    rollouts = objective.practice.rollouts  # type: ignore[attr-defined]
    return [one.drawn.ids.tolist() for one in rollouts.sample(network, prompts, step, 3)]


def test_a_reply_depends_on_seed_step_draw_and_number_alone(
    shards: Path, make_prompt_stage: Callable[..., TrainingStage]
) -> None:
    stage = make_prompt_stage(OBJECTIVES["grpo"])
    prompts = list(PromptStream(DrawReader(shards), 4).prompts())[:4]
    made = sampled(stage, prompts, step=1, seed=0)
    assert len({tuple(ids) for ids in made}) > 8  # those to one prompt differ too
    assert sampled(stage, prompts[2:], step=1, seed=0) == made[6:]
    assert sampled(stage, prompts, step=1, seed=0, forward_tokens=12) == made  # two rows at once in place of twelve
    assert sampled(stage, prompts, step=2, seed=0) != made and sampled(stage, prompts, step=1, seed=1) != made


def test_the_same_prompts_have_other_replies_in_another_step(make_prompt_stage: Callable[..., TrainingStage]) -> None:
    stage = make_prompt_stage({**OBJECTIVES["grpo"], "epochs": 1})
    objective = objective_of(stage, VOCABULARY, ObjectiveInputs(files=FILES, rewards=(Label(),)))
    network = starting(stage, VOCABULARY, 0)
    objective.begin(network)

    def replies(step: int) -> list[list[int]]:
        asked = PromptBatch(prompts=(prompt([2, 3]), prompt([4])), tasks=("ask",), after=StreamState(step=step))
        (batch,) = objective.batches(network, asked)
        return batch.ids_BT.tolist()

    assert replies(1) == replies(1) != replies(2)


def test_a_loss_that_is_not_finite_names_its_prompts_and_keeps_the_checkpoint(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    class Breaks(Label):
        def scores(self, replies: object, scoring: object) -> list[float]:
            made = super().scores(replies, scoring)  # type: ignore[arg-type]
            return [float("inf")] * len(made) if replies[0].prompt.key == "s0008" else made  # type: ignore[index]

    stage = make_prompt_stage(OBJECTIVES["ppo"], checkpoint_every=1)
    with pytest.raises(ValueError, match=r"is not finite \(its batch is draws 8 to 11: s0008, s0009, s0010, …\)"):
        go(tmp_path / "run", stage, rewards=(Breaks(),))
    assert [path.name for path in sorted((tmp_path / "run" / "checkpoints").iterdir())] == [
        "step-000001",
        "step-000002",
    ]


def test_a_reward_that_never_changes_is_told(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    said: list[str] = []
    stage = make_prompt_stage({**OBJECTIVES["grpo"], "prompts": 2})
    go(tmp_path / "run", stage, warn=said.append, rewards=(Constant(),))
    assert len(said) == 1 and "was always 0 in 10 steps in a row, so nothing was learned from it" in said[0]


def test_a_reward_that_never_changes_is_told_at_the_end_of_a_stage_of_few_steps(
    go: Callable[..., Result], make_prompt_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    said: list[str] = []
    go(tmp_path / "run", make_prompt_stage(OBJECTIVES["grpo"]), warn=said.append, rewards=(Constant(),))
    assert len(said) == 1 and "was always 0 in 8 steps in a row, so nothing was learned from it" in said[0]


@pytest.mark.parametrize(("changes", "sentences"), [(False, 1), (True, 0)])
def test_ppo_compares_the_replies_of_a_step(
    make_prompt_stage: Callable[..., TrainingStage], changes: bool, sentences: int
) -> None:
    """A reply to each prompt: the reward teaches something where they differ from prompt to prompt."""
    said: list[str] = []
    reward = Alternating() if changes else Constant()
    inputs = ObjectiveInputs(files=FILES, rewards=(reward,), warn=said.append)
    stage = make_prompt_stage({**OBJECTIVES["ppo"], "epochs": 1})
    objective, network = objective_of(stage, VOCABULARY, inputs), starting(stage, VOCABULARY, 0)
    objective.begin(network)
    asked = PromptBatch(prompts=(prompt([2, 3]), prompt([4])), tasks=("ask",), after=StreamState(step=1))
    for _ in range(10):
        list(objective.batches(network, asked))
    assert len(said) == sentences


class Alternating(Label):
    def scores(self, replies: object, scoring: object) -> list[float]:
        return [float(n % 2) for n, _ in enumerate(replies)]  # type: ignore[arg-type,var-annotated]


class Constant(Label):
    def scores(self, replies: object, scoring: object) -> list[float]:
        return [0.0] * len(replies)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ([("ask", [2] * 13, ())], "a prompt of task ask has 13 tokens, and with `new_tokens: 4` a reply does not fit into the"),
        ([("ask", [2], ()), ("told", [2, 3], (1, 2))], "samples of task told are no prompts"),
        ([("ask", [2, 3, 2, 4], (), (2,))], "samples of task ask are preference pairs"),
    ],
)  # fmt: skip
def test_samples_that_it_cannot_learn_from_are_refused(
    make_shards: Callable[..., Path],
    make_prompt_stage: Callable[..., TrainingStage],
    tmp_path: Path,
    samples: list,
    sentence: str,
) -> None:
    stage = make_prompt_stage(OBJECTIVES["grpo"])
    with pytest.raises(RecipeError, match=sentence):
        train(
            make_shards(samples, name="bad"),
            tmp_path / "run",
            stage,
            VOCABULARY,
            "",
            0,
            False,
            print,
            files=FILES,
            rewards=(Label(),),
        )
    assert not (tmp_path / "run").exists()


def test_prompts_of_another_vocabulary_are_refused(
    make_shards: Callable[..., Path],
    go: Callable[..., Result],
    make_prompt_stage: Callable[..., TrainingStage],
    tmp_path: Path,
) -> None:
    make_shards([("ask", [2, 999], ()), *PROMPTS])
    with pytest.raises(ValueError, match="holds ids from 0 to 999, the vocabulary has 48"):
        go(tmp_path / "run", make_prompt_stage(OBJECTIVES["grpo"]))


def test_prompts_without_an_end_are_refused(make_prompt_stage: Callable[..., TrainingStage]) -> None:
    endless = Vocabulary(text_size=40, bos=None, markers=(), codebooks=(), size=48, text_fingerprint="toy")
    with pytest.raises(RecipeError, match="nothing in the vocabulary ends a reply"):
        objective_of(make_prompt_stage(OBJECTIVES["grpo"]), endless, ObjectiveInputs(files=FILES, rewards=(Label(),)))
