"""Training groups and candidate lists: mined from a real index, written, read, mined again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from wikirank.corpus import open_source
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.search import Searcher
from wikirank.train.data import (
    CandidateList,
    DocumentFrequency,
    GroupOptions,
    MadeQuery,
    QuestionPair,
    TrainingGroup,
    article_key,
    build_groups,
    candidate_lists,
    make_queries,
    read_candidate_lists,
    read_groups,
    split_articles,
    write_candidate_lists,
    write_groups,
)
from wikirank.types import Passage

PAIR = QuestionPair("How is dough made to rise?", "By yeast.", "Bread", ("Rising",))


def passages_of(index: WikiIndex) -> list[Passage]:
    rows = index.store.connection.execute("SELECT id FROM passages ORDER BY rowid")
    ids = [row[0] for row in rows]
    found = index.store.get(ids)
    return [found[id_] for id_ in ids]


def groups_of(index: WikiIndex, **options: Any) -> list[TrainingGroup]:
    return list(build_groups(index, passages_of(index), [PAIR], options=GroupOptions(**options)))


def test_groups_of_the_users_pairs_come_first(tiny_index: WikiIndex) -> None:
    groups = groups_of(tiny_index, drop_headings=0.0)
    assert (groups[0].query, groups[0].style) == (PAIR.question, "pair")
    assert groups[0].positive == "Bread › Rising\nBy yeast."
    assert "pair" not in {group.style for group in groups[1:]}
    assert all(len(group.negatives) == 4 for group in groups)
    assert all("\n" in text for group in groups for text in (group.positive, *group.negatives))


def test_a_group_has_headings_or_has_none(tiny_index: WikiIndex) -> None:
    titles = {passage.title for passage in passages_of(tiny_index)}
    dropped = 0
    groups = groups_of(tiny_index)
    for group in groups:
        texts = [group.positive, *group.negatives]
        headed = {text.partition("\n")[0].partition(" › ")[0] in titles for text in texts}
        assert len(headed) == 1
        dropped += not headed.pop()
    assert 0.1 < dropped / len(groups) < 0.6
    bare = groups_of(tiny_index, headings=False)
    assert [group.query for group in bare] == [group.query for group in groups]
    assert not any("›" in text for group in bare for text in (group.positive, *group.negatives))


def test_without_a_heading_of_the_positive_no_negative_has_one(tiny_index: WikiIndex) -> None:
    pair = QuestionPair("How is dough made to rise?", "By yeast.")
    options = GroupOptions(drop_headings=0.0)
    (group,) = build_groups(tiny_index, [], [pair], options=options)
    assert group.positive == "By yeast."
    assert not any("›" in text for text in group.negatives)


def test_negatives_are_alike_in_form(tiny_index: WikiIndex) -> None:
    (alike,) = build_groups(tiny_index, [], [PAIR], options=GroupOptions(headings=False))
    (as_is,) = build_groups(
        tiny_index, [], [PAIR], options=GroupOptions(headings=False, alike=False)
    )
    for short, whole in zip(alike.negatives, as_is.negatives, strict=True):
        assert short in whole
        assert short.count(".") == 1
    assert alike.negatives != as_is.negatives


def test_another_answer_of_the_users_is_not_a_negative(tiny_index: WikiIndex) -> None:
    question = "How is dough made to rise?"
    texts = [p.text for p in passages_of(tiny_index) if p.title in ("Bread", "Velm")]
    pairs = [QuestionPair(question, text) for text in texts]
    options = GroupOptions(headings=False, alike=False, n_random=30, margin=100)
    groups = list(build_groups(tiny_index, [], pairs, options=options))
    assert [group.positive for group in groups] == texts
    assert all(set(group.negatives).isdisjoint(texts) for group in groups)
    assert all(len(group.negatives) == 31 - len(texts) for group in groups)


def test_options_can_be_recorded() -> None:
    assert json.loads(json.dumps(asdict(GroupOptions())))["styles"]["cloze"] > 0


def test_texts_of_a_group_all_have_headings_or_none(tiny_index: WikiIndex) -> None:
    untitled = [Passage(id=f"u{n}", text=f"Dough rises, note {n}.") for n in range(30)]
    passages = passages_of(tiny_index)
    with WikiIndex.create() as index:
        index.add_passages([*passages, *untitled])
        groups = list(build_groups(index, passages, [PAIR], options=GroupOptions()))
    headed = {"\n" in text for group in groups for text in (group.positive, *group.negatives)}
    assert headed == {True, False}
    for group in groups:
        assert len({"\n" in text for text in (group.positive, *group.negatives)}) == 1


def test_made_queries_can_be_limited(tiny_index: WikiIndex) -> None:
    few = groups_of(tiny_index, most_made=3)
    assert [group.style for group in few].count("pair") == 1
    assert len(few) == 4
    assert few == groups_of(tiny_index, most_made=3)
    assert len({group.positive for group in few}) == 4


def test_the_same_seed_gives_the_same_bytes(tiny_index: WikiIndex, tmp_path: Path) -> None:
    def write(name: str, seed: int) -> bytes:
        groups = build_groups(tiny_index, passages_of(tiny_index), [PAIR], seed=seed)
        assert write_groups(tmp_path / name, groups) > 20
        return (tmp_path / name).read_bytes()

    assert write("one.jsonl.gz", 1) == write("two.jsonl.gz", 1)
    assert write("three.jsonl.gz", 2) != write("two.jsonl.gz", 1)


def test_a_built_again_index_gives_the_same_groups(
    tiny_index: WikiIndex, tiny_wiki: Path, tmp_path: Path
) -> None:
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_source(open_source(tiny_wiki))
        assert groups_of(index) == groups_of(tiny_index)


def test_groups_are_read_as_they_were_written(tmp_path: Path) -> None:
    groups = [
        TrainingGroup("who?", "Ünïcode\u2028 text\nof lines", ["a", ""], "pair"),
        TrainingGroup("what", "It.", ["b"], "cloze"),
    ]
    for name in ("groups.jsonl", "groups.jsonl.gz"):
        assert write_groups(tmp_path / "new" / name, groups) == 2
        assert list(read_groups(tmp_path / "new" / name)) == groups


def test_a_stopped_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def stopping() -> Iterator[TrainingGroup]:
        yield TrainingGroup("who?", "She.", ["He."], "pair")
        raise KeyboardInterrupt

    path = tmp_path / "groups.jsonl"
    write_groups(path, [TrainingGroup("what", "It.", ["b"], "cloze")])
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_groups(path, stopping())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"query": "q", "positive": "p", "style": "s"}', "line 1.*negatives"),
        ('{"query": "q", "positive": "p", "style": "s", "negatives": [1]}', "line 1.*negatives"),
        ('{"query": "", "positive": "p", "style": "s", "negatives": []}', "line 1.*query"),
    ],
)
def test_a_bad_group_names_its_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "groups.jsonl"
    path.write_text(line)
    with pytest.raises(CorpusError, match=rf"groups\.jsonl, {message}"):
        list(read_groups(path))


def test_a_share_over_one_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="drop_headings"):
        GroupOptions(drop_headings=1.1)


# --- candidate lists ----------------------------------------------------------------------------


def lists_of(index: WikiIndex, made: MadeQuery, passage: Passage, n: int) -> CandidateList:
    (found,) = candidate_lists(Searcher(index), [(passage, made)], n=n)
    return found


def test_the_positive_has_its_place_among_the_candidates(tiny_index: WikiIndex) -> None:
    passage = next(p for p in passages_of(tiny_index) if "Forty masons" in p.text)
    query = "Forty masons worked on the tower for three summers."
    masked = passage.text.replace(f"{query} ", "")
    found = lists_of(tiny_index, MadeQuery(query, "masked_sentence", masked), passage, 5)
    assert found.positive_rank == 0
    assert found.candidates[0] == found.positive == f"Amber Lighthouse › Construction\n{masked}"
    assert len(found.candidates) == 5
    assert not any(query in text for text in found.candidates)


def test_a_missed_positive_is_at_minus_one(tiny_index: WikiIndex) -> None:
    passage = next(p for p in passages_of(tiny_index) if "Forty masons" in p.text)
    made = MadeQuery("gluten in sour dough", "keywords", passage.text)
    found = lists_of(tiny_index, made, passage, 2)
    assert found.positive_rank == -1
    assert found.positive not in found.candidates
    assert len(found.candidates) == 2


def test_the_rest_of_the_section_asked_for_is_left_out() -> None:
    lead = [
        Passage("1", "Velm is an island of granite hills.", article="v", title="Velm"),
        Passage("2", "Velm has nine hundred people.", article="v", number=1, title="Velm"),
        Passage("3", "Bread is baked from flour.", article="b", title="Bread"),
    ]
    with WikiIndex.create() as index:
        index.add_passages(lead)
        by_title = MadeQuery("what is velm", "title_question", lead[0].text)
        found = lists_of(index, by_title, lead[0], 3)
        assert sorted(found.candidates) == [
            "Bread\nBread is baked from flour.",
            "Velm\nVelm is an island of granite hills.",
        ]
        assert found.candidates[found.positive_rank] == found.positive
        by_words = MadeQuery("velm granite hills", "keywords", lead[0].text)
        assert len(lists_of(index, by_words, lead[0], 3).candidates) == 3


def test_candidate_lists_are_read_as_they_were_written(
    tiny_index: WikiIndex, tiny_wiki: Path, tmp_path: Path
) -> None:
    split = split_articles(open_source(tiny_wiki))
    keys = {article_key(article) for article in (*split.dev, *split.test)}
    passages = [p for p in passages_of(tiny_index) if article_key(p) in keys]
    assert len(keys) >= 2
    assert passages
    frequency = DocumentFrequency.of(p.headed_text for p in passages_of(tiny_index))
    made = list(make_queries(passages, rng=random.Random(0), document_frequency=frequency))
    lists = list(candidate_lists(Searcher(tiny_index), made, n=10, prepend_heading=False))
    assert len(lists) == len(made) > 0
    path = tmp_path / "dev.jsonl.gz"
    assert write_candidate_lists(path, lists) == len(lists)
    assert list(read_candidate_lists(path)) == lists
    with pytest.raises(InvalidArgumentError, match="Expected n of 1 or more"):
        list(candidate_lists(Searcher(tiny_index), made, n=0))


@pytest.mark.parametrize("place", [-2, 1, True, None])
def test_a_wrong_place_names_its_line(tmp_path: Path, place: object) -> None:
    path = tmp_path / "dev.jsonl"
    write_candidate_lists(path, [CandidateList("q", "s", "p", ["p"], place, [1.0], [None])])  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match=r"dev\.jsonl, line 1.*place"):
        list(read_candidate_lists(path))


def test_the_data_half_loads_no_torch() -> None:
    code = "import sys, wikirank.train.wiki; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
