"""Users' files as they come: from Excel, from notes, from other programs, broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviewer.errors import FileRefused
from interviewer.importing.rows import MAX_QUESTION, MAX_ROWS, Row, read


@pytest.fixture
def file(tmp_path):
    def file(name: str, content: str | bytes, encoding: str = "utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return file


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("utf-16", "utf-16")]
)
def test_a_table_is_read_in_the_encodings_that_excel_writes(file, encoding, named):
    sheet = read(file("a.csv", '分类,题目,参考答案\r\n树,什么是剪枝？,"去掉分支，\n防过拟合"\r\n', encoding))
    assert sheet.rows == (Row(2, "什么是剪枝？", "去掉分支，\n防过拟合", "树"),)
    assert sheet.encoding == named


def test_a_table_without_a_header_is_question_and_answer(file):
    assert read(file("a.csv", "什么是剪枝？,去掉分支\n")).rows == (Row(1, "什么是剪枝？", "去掉分支"),)
    assert read(file("a.tsv", "question\tanswer\tlevel\n题？\t答\t3\n")).rows == (Row(2, "题？", "答", level=3),)


def test_json_lines_keep_their_numbers_and_bad_ones_are_named(file):
    sheet = read(
        file("a.jsonl", '{"question":"甲？","answer":"答","topic":"trees","id":"a-b"}\n\n[1]\n{"q":"乙？"}\n{')
    )
    assert sheet.rows == (Row(1, "甲？", "答", "trees", "a-b"), Row(4, "乙？"))
    assert [(place, fault.name) for place, fault in sheet.faults] == [(3, "row_not_json"), (5, "row_not_json")]


def test_markdown_headings_are_questions_the_shallower_ones_topics(file):
    first = "# 树\n前言\n## 1. 什么是剪枝？\n去掉分支。\n```\n## 不是标题\n```\n### 细节\n更多。\n"
    text = f"{first}## 第二题？\n# 图\n## 第三题？\n答。"
    rows = read(file("a.md", text)).rows
    assert [(row.question, row.topic) for row in rows] == [
        ("什么是剪枝？", "树"),
        ("第二题？", "树"),
        ("第三题？", "图"),
    ]
    assert "## 不是标题" in rows[0].answer and "更多。" in rows[0].answer
    assert (rows[1].answer, rows[2].answer) == ("", "答。")


def test_markdown_of_one_level_has_questions_alone(file):
    assert [row.question for row in read(file("a.md", "# 甲？\n答\n# 乙？\n答")).rows] == ["甲？", "乙？"]


def test_a_plain_list_loses_its_marks(file):
    rows = read(file("a.txt", "1. 甲？\n\n（2）乙？\n- 丙？\n3D 卷积是什么？\n")).rows
    assert [row.question for row in rows] == ["甲？", "乙？", "丙？", "3D 卷积是什么？"]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.csv", b"", "import_empty"),
        ("a.csv", "题目,答案\n", "import_empty"),
        ("a.txt", " \n，。\n", "import_empty"),
        ("a.md", "没有标题\n的笔记", "import_no_heading"),
        ("a.csv", "答案,主题\n去掉分支,树\n", "import_no_column"),
        ("a.csv", '题目,答案\n"没有结束的引号,答\n', "import_bad_table"),
        ("a.csv", b"\xff\xfe\x00\xd8\x00\xd8", "import_not_text"),
        ("a.txt", b"\x00\x01\x02question", "import_not_text"),
        ("a.pdf", b"%PDF-1.7", "import_kind"),
        ("a.txt", "题？\n" * (MAX_ROWS + 1), "import_too_many"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_why(file, name, content, fault):
    with pytest.raises(FileRefused) as refused:
        read(file(name, content))
    assert refused.value.name == fault
    assert name in refused.value.say("zh") and name in refused.value.say("en")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path, fault in ((tmp_path / "no.csv", "file_missing"), (tmp_path, "file_unreadable")):
        with pytest.raises(FileRefused) as refused:
            read(path)
        assert refused.value.name == fault


def test_an_overlong_row_and_one_without_a_question_are_faults_of_their_place(file):
    sheet = read(file("a.csv", f"question,answer\n{'长' * (MAX_QUESTION + 1)},答\n，,答\n好？,答\n"))
    assert [(place, fault.name) for place, fault in sheet.faults] == [(2, "row_too_long"), (3, "row_no_question")]
    assert [row.question for row in sheet.rows] == ["好？"]


@given(st.binary(max_size=400), st.sampled_from(["csv", "tsv", "jsonl", "md", "txt"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("any") / f"a.{suffix}"
    path.write_bytes(content)
    try:
        sheet = read(path)
    except FileRefused:
        return
    assert sheet.rows or sheet.faults
