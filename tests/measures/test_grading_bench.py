"""`interviewer bench grading`: the rows that it reads, the figures, going on where it was stopped."""

from __future__ import annotations

import json

import pytest
from builders import MET, MISSING, grade, judged, key_point, question, small_bank

from interviewer.bench import grading, replies
from interviewer.bench.grading import Graded
from interviewer.errors import FileRefused
from interviewer.records import Ungraded

ASKED = question("one", points=(key_point("a", "第一点"), key_point("b", "第二点")))
BANK = small_bank(ASKED)
ROW = {"question": "first/one", "reply": "回答", "mark": 80, "kind": "strong", "verdicts": {"a": "met", "b": "missing"}}


@pytest.fixture
def file(tmp_path):
    def file(*rows):
        path = tmp_path / "marked.jsonl"
        text = "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text(text, encoding="utf-8")
        return path

    return file


class Scripted:
    """Grades with the outcomes given, in order, and counts how often it was asked."""

    def __init__(self, *outcomes):
        self.outcomes, self.asked = list(outcomes), 0

    def grade(self, rubric, reply, language):
        self.asked += 1
        return self.outcomes[(self.asked - 1) % len(self.outcomes)]


def test_rows_of_our_own_shape_and_of_a_stranger_s_are_read(file):
    stranger = {"question": "任何题？", "reference": "先做甲。再做乙。", "reply": "甲", "score": 40}
    one, other = replies.read(file(ROW, "", stranger), BANK)
    assert (one.group, one.mark, one.kind, one.part, one.verdicts) == (
        "first/one",
        80,
        "strong",
        "test",
        {"a": MET, "b": MISSING},
    )
    assert (other.group, other.mark, len(other.rubric.points)) == ("任何题？", 40, 2)


def test_marks_that_are_all_shares_are_taken_as_shares(file):
    shares = [{**ROW, "mark": 0.25}, {**ROW, "mark": 1}]
    assert [row.mark for row in replies.read(file(*shares), BANK)] == [25, 100]


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[1]",
        {"question": "first/one", "reply": "x"},
        {**ROW, "question": "没有这道题"},
        {**ROW, "mark": "高"},
        {**ROW, "verdicts": {"z": "met"}},
        {**ROW, "verdicts": {"a": "好"}},
        {**ROW, "reference": "　"},
    ],
)
def test_a_bad_row_is_named_by_its_line(file, row):
    with pytest.raises(FileRefused) as refused:
        replies.read(file(ROW, row), BANK)
    assert "2" in refused.value.say("en") and "marked.jsonl" in refused.value.say("zh")


def test_an_empty_file_is_refused(file):
    with pytest.raises(FileRefused):
        replies.read(file(""), BANK)


def rows(file, *marks):
    return replies.read(file(*[{**ROW, "reply": f"回答 {n}", "mark": mark} for n, mark in enumerate(marks)]), BANK)


def test_a_perfect_grader_has_perfect_figures(file):
    given = rows(file, 10, 55, 90)
    made = [Graded(int(row.mark), {"a": "met", "b": "missing"}, 0.9, 0.1) for row in given]
    found = {figure.name: figure for figure in grading.figures(given, made)}
    assert found["qwk"].value == found["spearman"].value == 1.0
    assert found["error"].value == 0.0
    assert (found["f1_met"].value, found["f1_missing"].value, found["f1_partial"].value) == (1.0, 1.0, 0.0)
    assert found["right_pass"].value == pytest.approx(1 / 3)
    assert "reversed_pass" not in found
    (kind,) = grading.by_kind(given, made)
    assert (kind.kind, kind.rows, kind.error) == ("strong", 3, 0)


def test_what_could_not_be_graded_is_counted_and_no_zero(file):
    given = rows(file, 10, 90)
    made = grading.as_json(given, [Graded(None), Graded(90, {"a": "met"}, 1.0, 0.2)])
    assert (made["ungraded"], made["replies"]) == (1, 2)
    assert {figure["name"]: figure["rows"] for figure in made["figures"]}["error"] == 1
    assert "1 ungraded" in grading.as_markdown(made)


def test_the_kappa_of_the_surest_half_rests_on_the_surest_half(file):
    given = rows(file, 10, 90, 10, 90)
    made = [Graded(10, {}, 0.9), Graded(90, {}, 0.8), Graded(90, {}, 0.2), Graded(10, {}, 0.1)]
    found = {figure.name: figure for figure in grading.figures(given, made)}
    assert (found["qwk_at_50"].value, found["qwk_at_50"].rows) == (1.0, 2)
    assert found["qwk"].value < 0.5


def test_a_run_that_was_stopped_goes_on_where_it_stopped(file, tmp_path):
    given, kept = rows(file, 10, 55, 90), tmp_path / "kept.jsonl"
    done = grade(judged(MET, point="a"))
    first = Scripted(done)
    grading.grade_all(first, given[:2], "zh", kept)
    kept.write_text(kept.read_text("utf-8") + '{"key": "broken', encoding="utf-8")
    second, told = Scripted(done), []
    found = grading.grade_all(second, given, "zh", kept, lambda n, total: told.append((n, total)))
    assert (first.asked, second.asked) == (2, 1)
    assert [made.value for made in found] == [100, 100, 100]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert grading.grade_all(Scripted(), given, "zh", kept) == found


def test_a_stand_in_s_grade_and_no_grade_count_as_ungraded_and_are_tried_again(file, tmp_path):
    given, kept = rows(file, 10, 90), tmp_path / "kept.jsonl"
    outcomes = Scripted(grade(judged(MET), fallback="模型没有回答"), Ungraded(reason="坏了"))
    assert [made.value for made in grading.grade_all(outcomes, given, "zh", kept)] == [None, None]
    assert not kept.exists()


def test_repeating_counts_what_came_out_the_same(file):
    given = rows(file, 10, 90)
    same, other = grade(judged(MET, point="a")), grade(judged(MISSING, point="a"))
    made = grading.grade_all(Scripted(same), given, "zh")
    assert grading.repeated(Scripted(same, other), given, made, "zh") == 0.5


def test_the_two_readers_agreement_is_the_ceiling(file):
    read = {**ROW, "marks": [80, 20], "readings": [{"a": "met", "b": "missing"}, {"a": "met", "b": "met"}]}
    ceiling = grading.ceiling(replies.read(file(read, ROW), BANK))
    assert (ceiling["rows"], ceiling["points_same"], ceiling["error"]) == (1, 0.5, 60)
    assert grading.ceiling(replies.read(file(ROW), BANK)) == {}


def test_the_shipped_replies_fit_the_bank(bank, knowledge):
    train, test = (replies.own(knowledge, bank, part) for part in ("train", "test"))
    groups = [{row.group for row in part} for part in (train, test)]
    assert len(groups[0] | groups[1]) >= 150 and not groups[0] & groups[1]
    assert len(groups[1]) >= 0.3 * len(groups[0] | groups[1])
    assert len({bank.get(group).topic for group in groups[0] | groups[1]}) == 25
    for row in (*train, *test):
        assert row.verdicts.keys() == {point.id for point in row.rubric.points}
        assert len(row.readings) == 2
