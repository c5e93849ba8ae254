"""The page of all keys is what the schemas say."""

from weft.jobs.reference import PAGE, page


def test_the_page_of_all_keys_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "`make docs` writes it"


def test_keys_have_what_may_be_given_and_their_defaults() -> None:
    rows = page().splitlines()
    assert "| `part_size` | whole number, from 1 | `1000` |" in rows
    assert '| `schedule` | `constant` or `cosine` or `linear` | `"constant"` |' in rows
    assert "| `max_seconds` | number | `1800.0` |" in rows


def test_settings_that_backends_share_are_explained_once() -> None:
    for sentence in (
        "`speaker` and `language` are used where the data names none",
        "sources with the same `speakers` share their speakers",
        "Recordings up to `longest` stay whole",
        "`rate` in frames a second, `size` codes",
    ):
        assert page().count(sentence) == 1, sentence
