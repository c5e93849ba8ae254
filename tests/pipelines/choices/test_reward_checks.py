"""Rewards are checked against the tasks, the vocabulary and the stages of their recipe, with the key that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from weft.jobs.commands import check_recipe, make_pipeline
from weft.schemas.faults import RecipeError

RECIPE: dict[str, Any] = {
    "name": "replies",
    "sources": {"own": {"use": "checkable", "count": 6}},
    "align": {"use": "none"},
    "text": {"use": "bpe", "size": 300, "sources": ["own"]},
    "vocabulary": {"tokens": [{"marker": "eot", "literal": "<|EOT|>"}]},
    "tasks": {
        "ask": {"use": "prompts", "sources": ["own"], "turns": [{"say": "text"}], "answer": "answer"},
        "wonder": {"use": "prompts", "sources": ["own"], "turns": [{"say": "text"}]},
        "tell": {"use": "text", "sources": ["own"], "open": ""},
    },
}


def stage(task: str, objective: dict[str, Any], model: dict[str, Any] | None = None) -> dict[str, Any]:
    on_prompts = objective.get("use") in ("grpo", "ppo")
    return {
        "mixture": {"unit": "samples", "total": 4, "shares": {task: 1}},
        "context": 64,
        "model": model or {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 1e-3, **({} if on_prompts else {"batch_tokens": 64})},
        "objective": objective,
    }


def grpo(*rewards: Any, **settings: Any) -> dict[str, Any]:
    return {"use": "grpo", "prompts": 2, "rewards": list(rewards), "sampling": {"new_tokens": 8}, **settings}


def fault(**training: dict[str, Any]) -> str:
    with pytest.raises(RecipeError) as raised:
        make_pipeline({**RECIPE, "training": training})
    return str(raised.value)


def test_rewards_are_made_with_their_settings() -> None:
    pipeline = make_pipeline({**RECIPE, "training": {"rl": stage("ask", grpo("label", {"use": "length", "most": 9}))}})
    label, length = pipeline.rewards["rl"]
    assert (label.called, length.called, length.most) == ("label", "length", 9)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (grpo("lable"), "unknown reward 'lable'; known: format, label, learned, length, wer"),
        (grpo({"use": "length", "most": 3, "mots": 3}), "training.rl.objective.rewards.0.mots"),
        (grpo("format", {"use": "format", "open": "tts"}), "the reward 'format' looks for the marker 'tts', which is not in"),
        (grpo({"use": "format", "of": ["text", "fsq"], "sizes": [1, 4]}), "'fsq' is neither under `tokenizers:` nor"),
        (grpo("label", group=1), "training.rl.objective.group: input should be greater than or equal to 2"),
        (grpo(), "training.rl.objective.rewards"),
        (grpo("learned"), "training.rl.objective.rewards.0.stage"),
        (grpo({"use": "learned", "stage": "sft"}), "training.rl.objective.rewards.0.stage: 'sft' is not declared"),
        (grpo({"use": "learned", "stage": "rl"}), "stage 'rl' is no reward model; its objective would have to be {use: reward}"),
        (grpo("label", sampling={"new_tokens": 64}), "`sampling: new_tokens` (64) leaves no room for a prompt in a context of 64"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_key(objective: dict[str, Any], sentence: str) -> None:
    assert sentence in fault(rl=stage("ask", objective))


def test_an_answer_is_needed_where_replies_are_compared_with_it() -> None:
    for reward in ("label", "wer"):
        assert (
            f"the reward '{reward}' compares replies with an answer, and the samples of task 'wonder' have none"
            in fault(rl=stage("wonder", grpo(reward)))
        )
    make_pipeline({**RECIPE, "training": {"rl": stage("wonder", grpo("format"))}})


def test_batches_are_of_tokens_or_of_prompts() -> None:
    wrong = stage("ask", grpo("label"))
    wrong["optimiser"]["batch_tokens"] = 64
    assert "`batch_tokens` is left out where the objective learns from prompts" in fault(rl=wrong)
    wrong = stage("tell", {"use": "next-token"})
    del wrong["optimiser"]["batch_tokens"]
    assert "the `optimiser` needs `batch_tokens`" in fault(base=wrong)


def test_a_reward_model_is_no_start_and_comes_before_its_use() -> None:
    learned = stage("ask", grpo({"use": "learned", "stage": "judge"}), {"start": "base"})
    judge = stage("tell", {"use": "reward"}, {"start": "base"})
    base = stage("tell", {"use": "next-token"})
    pipeline = make_pipeline({**RECIPE, "training": {"rl": learned, "judge": judge, "base": base}})
    assert pipeline.recipe.training_order == ("base", "judge", "rl")
    wrong = stage("tell", {"use": "next-token"}, {"start": "judge"})
    assert "training.more.model.start: stage 'judge' is a reward model, which gives scores and no text" in fault(
        base=base, judge=judge, more=wrong
    )
    with pytest.raises(RecipeError, match=r"merges.both: stage 'judge' is a reward model"):
        make_pipeline(
            {**RECIPE, "training": {"base": base, "judge": judge}, "merges": {"both": {"base": 1, "judge": 1}}}
        )


@pytest.mark.parametrize(
    ("objective", "trainable", "sentence"),
    [
        ({"use": "ppo", "prompts": 2, "rewards": ["label"], "sampling": {"new_tokens": 8}}, {"lm": None},
         "`trainable` leaves out `critic`, which this `objective` trains"),
        ({"use": "reward"}, {"lm": None}, "`trainable` leaves out `score`"),
        ({"use": "next-token"}, {"critic": 1e-3}, "`trainable` names 'critic', which a model with this `objective` does not have"),
        (grpo("label"), {"critic": None, "lm": None}, "`trainable` names 'critic'"),
    ],
)  # fmt: skip
def test_new_heads_are_trained_where_they_are(
    objective: dict[str, Any], trainable: dict[str, Any], sentence: str
) -> None:
    assert sentence in fault(one={**stage("ask", objective), "trainable": trainable})


def test_a_reward_may_be_a_file_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "polite.py").write_text(
        '"""1 where it says please."""\n'
        "from weft.trainer.rewards import base\n\n\n"
        "class Reward(base.Reward):\n"
        '    word: str = "please"\n\n'
        "    def scores(self, replies, scoring):\n"
        "        return [float(self.word in reply.text) for reply in replies]\n"
    )
    training = {"rl": stage("wonder", grpo({"use": "./polite.py", "word": "thanks"}))}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(json.loads(json.dumps({**RECIPE, "training": training}))))
    pipeline, _ = check_recipe(str(tmp_path / "recipe.yaml"))
    (reward,) = pipeline.rewards["rl"]
    assert (reward.called, reward.word) == ("polite.py", "thanks")
    (tmp_path / "polite.py").write_text(
        "from weft.trainer.rewards import base\n\n\nclass Reward(base.Reward):\n    pass\n"
    )
    with pytest.raises(RecipeError, match="its Reward has no scores"):
        check_recipe(str(tmp_path / "recipe.yaml"))


def test_all_mistakes_have_their_lines(tmp_path: Path) -> None:
    training = {"rl": stage("wonder", grpo("label")), "other": stage("ask", grpo("lable"))}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(json.loads(json.dumps({**RECIPE, "training": training}))))
    with pytest.raises(RecipeError) as raised:
        check_recipe(str(tmp_path / "recipe.yaml"))
    lines = str(raised.value).splitlines()
    assert len(lines) == 2 and all(line.startswith("recipe.yaml line ") for line in lines)
