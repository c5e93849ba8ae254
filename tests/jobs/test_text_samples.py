"""What is kept of text files to see how it is spelt: from all over them."""

from collections import Counter

from weft.jobs.source_sizes import SAMPLES
from weft.jobs.text_samples import TextSamples
from weft.schemas.audio import Field
from weft.schemas.text import Document


def documents(kind: str, count: int, length: int = 10) -> list[Document]:
    texts = [f"{kind}{n:08}".ljust(length, ".") for n in range(count)]
    return [Document(key=one, source="s", text=one, fields=(Field(name="answer", value=one),)) for one in texts]


def kinds(texts: tuple[str, ...]) -> Counter[str]:
    return Counter(text[0] for text in texts)


def test_values_of_a_field_are_from_all_items_in_their_proportion() -> None:
    samples = TextSamples()
    for kind, count in (("a", 6000), ("b", 3000), ("c", 1000)):
        samples.add(documents(kind, count), share=count / 10_000)
    found = kinds(samples.fields["answer"])
    assert sum(found.values()) == SAMPLES
    assert 100 < found["a"] < 140 and 40 < found["b"] < 80 and 5 < found["c"] < 40


def test_of_much_text_each_item_gives_its_share_of_documents() -> None:
    samples = TextSamples()
    for kind in "abcd":
        samples.add(documents(kind, 1000, length=1000), share=0.25)
    found = kinds(samples.texts)
    assert sum(map(len, samples.texts)) < 1.1 * 2**20
    assert max(found.values()) - min(found.values()) <= 1 and sum(found.values()) > 1000
    assert samples.texts[0] != documents("a", 1, length=1000)[0].text  # not the beginning of it


def test_long_documents_make_others_wait() -> None:
    samples = TextSamples()
    for _ in range(100):
        samples.add(documents("a", 1, length=100_000), share=0.01)
    assert len(samples.texts) == 11


def test_of_little_text_everything_is_kept_in_order() -> None:
    samples, first, second = TextSamples(), documents("a", 50), documents("b", 50)
    samples.add(first, share=0.5)
    samples.add([], share=0.0)
    samples.add(second, share=0.5)
    assert samples.texts == tuple(one.text for one in [*first, *second])
    assert sorted(samples.fields["answer"]) == sorted(samples.texts)
