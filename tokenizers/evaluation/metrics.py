"""Measures of codes: pure functions over ids.

PNMI and purity (HuBERT, arXiv 2106.07447, §IV-D): how well a code predicts the phone of the same frame, and the reverse
ABX (Schatz et al. 2013): how often an occurrence of a phone is nearer to another phone than to another occurrence of its own
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np

PhoneCodes = tuple[int, ...]  # codes of one phone, a frame each


@dataclass(frozen=True, slots=True)
class Usage:
    """Of streams of ids: the number of different codes, the perplexity (as many equally likely codes), and rates."""

    used: int
    perplexity: float
    tokens_per_second: float
    bits_per_second: float


@dataclass(frozen=True, slots=True)
class PhoneLabels:
    """`pnmi`: the share of the phones' entropy that codes explain (NaN of a single phone); `purity`: the share of frames
    whose phone is the most frequent one of their code; `code_purity`: of frames whose code is the most frequent one of their phone.
    """

    pnmi: float
    purity: float
    code_purity: float


def usage(streams: Sequence[np.ndarray], seconds: float) -> Usage:
    """Of ids, deduplicated or not, for so many seconds of speech."""
    ids = np.concatenate([np.zeros(0, np.int64), *streams])
    share = np.array(sorted(Counter(ids.tolist()).values()), float) / max(1, len(ids))
    entropy = float((share * np.log2(1 / share)).sum())  # of a single code 0.0, not -0.0
    rate = len(ids) / seconds if seconds else 0.0
    return Usage(used=len(share), perplexity=2**entropy, tokens_per_second=rate, bits_per_second=rate * entropy)


def against_phones(codes: np.ndarray, phones: np.ndarray) -> PhoneLabels:
    """From the code and the phone of each frame, int [n] both. Raises ValueError for no frames."""
    if not len(codes):
        raise ValueError("no frame has both a code and a phone")
    _, rows = np.unique(phones, return_inverse=True)
    _, columns = np.unique(codes, return_inverse=True)
    joint = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(joint, (rows, columns), 1)
    joint /= len(codes)
    own, theirs = joint.sum(1, keepdims=True), joint.sum(0, keepdims=True)
    there = joint > 0
    mutual = float((joint[there] * np.log(joint[there] / (own @ theirs)[there])).sum())
    entropy = float(-(own * np.log(own)).sum())
    pnmi = mutual / entropy if entropy else float("nan")
    return PhoneLabels(pnmi=pnmi, purity=float(joint.max(0).sum()), code_purity=float(joint.max(1).sum()))


def unit_errors(clean: Sequence[np.ndarray], changed: Sequence[np.ndarray]) -> float:
    """Insertions, deletions and substitutions between two lists of streams, over the length of the first. NaN for no streams."""
    reference, hypothesis = ([" ".join(map(str, ids)) for ids in streams] for streams in (clean, changed))
    return float(jiwer.wer(reference, hypothesis)) if any(reference) else float("nan")


def abx(
    phones: Sequence[str],
    speakers: Sequence[str],
    segments: Sequence[PhoneCodes],
    across: bool,
    seed: int,
    most: int = 10_000,
) -> float:
    """The share of at most `most` triplets A, B, X in which X is nearer to B though it is the same phone as A; a tie counts half.

    A and B are of one speaker, X of the same or with `across` of another. NaN where no such triplet can be made.
    """
    rng = np.random.default_rng(seed)
    places: dict[tuple[str, str], list[int]] = {}
    for n, key in enumerate(zip(phones, speakers, strict=True)):
        places.setdefault(key, []).append(n)
    names, voices = sorted(set(phones)), sorted(set(speakers))
    if len(names) < 2 or (across and len(voices) < 2):
        return float("nan")
    wrong: list[float] = []
    for _ in range(20 * most):
        if len(wrong) >= most:
            break
        phone, other = rng.choice(names, 2, replace=False)
        voice = str(rng.choice(voices))
        elsewhere = str(rng.choice(voices)) if across else voice
        a, b, x = (places.get(key, []) for key in ((phone, voice), (other, voice), (phone, elsewhere)))
        if not a or not b or not x or (across and elsewhere == voice) or (not across and len(a) < 2):
            continue
        first = int(rng.choice(a))
        third = int(rng.choice([n for n in x if n != first]))
        near, far = distance(segments[first], segments[third]), distance(segments[int(rng.choice(b))], segments[third])
        wrong.append(1.0 if near > far else 0.5 if near == far else 0.0)
    return float(np.mean(wrong)) if wrong else float("nan")


def distance(one: PhoneCodes, two: PhoneCodes) -> float:
    """The share of codes that differ along the best alignment of both by dynamic time warping."""
    cost = np.full((len(one) + 1, len(two) + 1), np.inf)
    steps = np.zeros_like(cost)
    cost[0, 0] = 0.0
    for i in range(1, len(one) + 1):
        for j in range(1, len(two) + 1):
            before = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda at: cost[at])
            cost[i, j] = cost[before] + (one[i - 1] != two[j - 1])
            steps[i, j] = steps[before] + 1
    return float(cost[-1, -1] / steps[-1, -1])


def probe(streams: Sequence[np.ndarray], labels: Sequence[str], size: int, seed: int) -> tuple[float, float]:
    """The accuracy of a linear classifier of labels from how often each code occurs, in five folds; and that of always guessing the
    most frequent label. Streams without a label ("") and labels with fewer than five streams are left out.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    counts = Counter(labels)
    kept = [n for n, label in enumerate(labels) if label and counts[label] >= 5]
    if len({labels[n] for n in kept}) < 2:
        return float("nan"), float("nan")
    shares = np.stack([np.sqrt(np.bincount(streams[n], minlength=size) / max(1, len(streams[n]))) for n in kept])
    wanted = np.array([labels[n] for n in kept])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    right = cross_val_score(LogisticRegression(C=10.0, max_iter=2000), shares, wanted, cv=folds)
    return float(right.mean()), max(Counter(wanted.tolist()).values()) / len(wanted)
