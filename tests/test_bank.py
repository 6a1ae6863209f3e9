from __future__ import annotations

import pytest
from builders import question, small_bank
from hypothesis import given, settings
from hypothesis import strategies as st

from interviewer import bank as banks
from interviewer.bank import Question
from interviewer.errors import BankError, NotFound

TOPICS = '[[topics]]\nid = "first"\nzh = "第一"\nen = "First"\n'
GOOD = """
question = "什么是过拟合？"
level = 1
kind = "concept"
brief = "训练好、测试差"
answer = "模型记住了训练集的噪声。"

[[points]]
id = "gap"
text = "训练误差小而测试误差大"
weight = 3
"""


@pytest.fixture
def folder(tmp_path):
    """A whole, small bank of one question."""
    (tmp_path / "questions" / "first").mkdir(parents=True)
    (tmp_path / "topics.toml").write_text(TOPICS, encoding="utf-8")
    (tmp_path / "questions" / "first" / "over-fitting.toml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))


def faults(folder):
    with pytest.raises(BankError) as caught:
        banks.load(folder)
    return [str(fault) for fault in caught.value.faults]


def test_the_real_bank_has_its_25_topics_in_order_and_every_question_lies_in_one(bank):
    assert len(bank.topics) == 25
    order = [topic.id for topic in bank.topics]
    places = [order.index(q.topic) for q in bank]
    assert places == sorted(places)
    assert len(bank.of_topics(["norm_regularisation"])) == 25


def test_a_question_is_fetched_by_its_id_and_by_any_of_its_wordings(bank):
    asked = bank.get("norm_regularisation/what-is-batch-normalization")
    assert bank.find(f"  {asked.id} ") is asked
    assert bank.find("说说　什么是批归一化") is asked
    assert bank.find("WHAT IS batch normalization, and why do we insert it") is asked
    assert all(bank.find(wording) for q in bank for wording in (q.question, *q.aliases))
    assert bank.find("今天天气怎么样") is None
    assert bank.find("") is None


def test_the_exact_wording_of_a_question_wins_over_an_alias_of_another():
    owner = question("two")
    other = question("one").model_copy(update={"aliases": (owner.question,)})
    assert small_bank(other, owner).find(owner.question) is owner


def test_what_does_not_exist_is_named_and_the_topics_listed(bank):
    with pytest.raises(NotFound, match="no/such"):
        bank.get("no/such")
    with pytest.raises(NotFound, match=r"astrology.*norm_regularisation"):
        bank.of_topics(["norm_regularisation", "astrology"])
    with pytest.raises(NotFound) as caught:
        bank.get("x" * 5000)
    assert len(str(caught.value)) < 400


def test_no_topic_named_means_all_of_them(bank):
    assert len(bank.of_topics([])) == len(bank)


def test_a_small_bank_is_loaded_its_templates_left_out(folder):
    write(folder, "questions/_template.toml", "nonsense = [")
    assert [q.id for q in banks.load(folder)] == ["first/over-fitting"]


def test_a_file_that_windows_saved_with_a_byte_order_mark_is_read(folder):
    write(folder, "questions/first/over-fitting.toml", "\ufeff" + GOOD)
    assert len(banks.load(folder)) == 1


def test_the_digest_of_a_question_follows_everything_that_grading_reads(folder):
    before = banks.load(folder)
    write(folder, "questions/first/over-fitting.toml", GOOD + 'says = ["训练集上好，换了数据就差"]\n')
    after = banks.load(folder)
    assert before.digest != after.digest
    assert banks.load(folder).digest == after.digest


BROKEN = [
    (GOOD.replace("level = 1", "level = 4"), "level: Input should be 1, 2 or 3"),
    (GOOD.replace('brief = "训练好、测试差"\n', ""), "brief: Field required"),
    (GOOD.replace("weight = 3", 'weight = "3"'), "points[0].weight: Input should be 1, 2 or 3"),
    (GOOD.replace("weight = 3", "weight = 3\nhint = 1"), "points[0].hint: Extra inputs are not permitted"),
    (GOOD.replace('id = "gap"', 'id = "Gap 1"'), "points[0].id: String should match"),
    (GOOD.replace('id = "gap"', 'id = "deeper"'), "points.deeper: this id is kept"),
    (GOOD.replace("level = 1", 'level = 1\nid = "first/other"'), "id: comes from the file's path"),
    (GOOD + GOOD[GOOD.index("[[points]]") :], "points.gap: duplicate point id"),
    (
        GOOD + '[[misconceptions]]\nclaim = "a"\ncorrection = "b"\npoint = "no"\n',
        "misconceptions[0].point: no point 'no'",
    ),
    (
        GOOD + '[[follow_ups]]\nask = "a"\nwhen = "gap"\nanswer = "b"\npoints = []\n',
        "follow_ups[0].points: Tuple should",
    ),
    (GOOD.split("[[points]]")[0], "points: Field required"),
    (GOOD[: len(GOOD) // 2], "TOML: "),
    (GOOD.encode("gbk"), "encoding: not UTF-8 (byte 17)"),
    (b"", "question: Field required"),
    (b"\0\0\0\0", "TOML: "),
    (b"x = " + b"[" * 50_000, "TOML: "),
    (b"x = " + b"1" * 5_000, "TOML: "),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_broken_file_is_named_with_its_field_and_its_fault(folder, text, said):
    write(folder, "questions/first/over-fitting.toml", text)
    found = faults(folder)
    assert all(fault.startswith("questions/first/over-fitting.toml: ") for fault in found)
    assert any(f": {said}" in fault for fault in found), found


def test_every_fault_of_every_file_is_reported_at_once(folder):
    write(folder, "questions/first/a.toml", GOOD.replace("level = 1", "level = 9").replace("concept", "poem"))
    write(folder, "questions/first/b.toml", "question = ")
    write(folder, "questions/first/deep/c.toml", GOOD)
    write(folder, "questions/first/Big_Name.toml", GOOD)
    write(folder, "questions/second/d.toml", GOOD.replace("过拟合", "欠拟合"))
    write(folder, "questions/first/e.toml", GOOD)
    (folder / "questions" / "first" / "f.toml").mkdir()
    found = faults(folder)
    assert sorted({fault.split(":")[0].removeprefix("questions/") for fault in found}) == [
        "first/Big_Name.toml",
        "first/a.toml",
        "first/b.toml",
        "first/deep/c.toml",
        "first/f.toml",
        "first/over-fitting.toml",
        "second/d.toml",
    ]
    assert sum("first/a.toml" in fault and "over-fitting" not in fault for fault in found) == 2
    assert "questions/first/over-fitting.toml: question: same wording as first/e" in found
    assert "questions/second/d.toml: topic: 'second' is not in topics.toml" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topics = 5", ["topics: Input should be a valid tuple"]),
        ("", ["topics: Field required"]),
        (TOPICS + "[extra]", ["extra: Extra inputs are not permitted"]),
        (TOPICS + TOPICS, ["topics.first: duplicate topic id"]),
        (TOPICS.replace("zh", "cn"), ["topics[0].zh: Field required", "topics[0].cn: Extra inputs are not permitted"]),
        (TOPICS.replace('"first"', '"The First"') + TOPICS.replace('"第一"', "1"), ["topics[0].id", "topics[1].zh"]),
    ],
)
def test_a_broken_list_of_topics_is_reported_alone(folder, text, said):
    write(folder, "topics.toml", text)
    found = faults(folder)
    assert len(found) == len(said)
    assert all(f"topics.toml: {part}" in "\n".join(found) for part in said), found


def test_a_folder_that_is_no_bank_is_named(tmp_path):
    assert faults(tmp_path / "nowhere") == ["topics.toml: file: cannot be read: No such file or directory"]
    write(tmp_path, "topics.toml", TOPICS)
    assert faults(tmp_path) == [f"{tmp_path}: questions: no question files"]


def test_a_half_written_file_is_a_fault_of_that_file_wherever_it_was_cut(knowledge, tmp_path):
    name = "questions/norm_regularisation/bn-overview.toml"
    whole = (knowledge / name).read_bytes()
    for end in range(0, len(whole), 97):
        write(tmp_path, name, whole[:end])
        found = []
        read = banks.read_question(tmp_path / name, tmp_path, found)
        assert (read is None) == bool(found)
        assert all(fault.file == name for fault in found)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.tuples(st.integers(0, len(GOOD)), st.text(alphabet='"[]={}#\n\\1.e-_x', max_size=6)).map(
            lambda cut: (GOOD[: cut[0]] + cut[1] + GOOD[cut[0] :]).encode()
        ),
    )
)
@settings(deadline=None, max_examples=100)
def test_no_file_content_makes_the_loader_raise(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bank")
    write(folder, "questions/first/hostile.toml", content)
    found = []
    read = banks.read_question(folder / "questions/first/hostile.toml", folder, found)
    assert isinstance(read, Question) != bool(found)


def user_faults(folder, *own):
    with pytest.raises(BankError) as caught:
        banks.load(folder, *own)
    return [str(fault) for fault in caught.value.faults]


def test_a_user_s_folder_stands_beside_the_bank(folder, tmp_path):
    own = tmp_path / "own"
    write(own, "topics.toml", TOPICS + TOPICS.replace("first", "mine").replace("第一", "我的"))
    write(own, "questions/mine/new.toml", GOOD.replace("什么是过拟合", "什么是欠拟合"))
    write(own, "questions/first/added.toml", GOOD.replace("什么是过拟合", "怎样减轻过拟合"))
    bank = banks.load(folder, own)
    assert [topic.id for topic in bank.topics] == ["first", "mine"]
    assert {q.id: q.origin for q in bank} == {
        "first/over-fitting": "shipped",
        "first/added": "user",
        "mine/new": "user",
    }


def test_a_user_s_folder_cannot_replace_a_question_or_pass_as_shipped(folder, tmp_path):
    own = tmp_path / "own"
    write(own, "questions/first/over-fitting.toml", GOOD.replace("什么是过拟合", "什么是别的"))
    write(own, "questions/first/posing.toml", 'origin = "shipped"\n' + GOOD.replace("什么是过拟合", "什么是冒充"))
    write(own, "questions/first/same.toml", GOOD)
    said = user_faults(folder, own)
    assert any("over-fitting" in line and "duplicate id" in line for line in said)
    assert any("posing" in line and "origin" in line for line in said)
    assert any("same.toml" in line and "same wording" in line for line in said)


def test_a_link_out_of_a_user_s_folder_and_a_missing_folder_are_named(folder, tmp_path):
    write(tmp_path, "outside.toml", GOOD.replace("什么是过拟合", "外面的题"))
    own = tmp_path / "own"
    (own / "questions" / "first").mkdir(parents=True)
    (own / "questions" / "first" / "link.toml").symlink_to(tmp_path / "outside.toml")
    said = user_faults(folder, own, tmp_path / "none")
    assert any("link.toml" in line and "leads out" in line for line in said)
    assert any("none" in line and "no folder" in line for line in said)


def test_a_huge_file_is_refused_before_it_is_read(folder):
    write(folder, "questions/first/huge.toml", b"#" * (banks.MAX_FILE + 1))
    assert any("huge.toml" in line and "larger" in line for line in faults(folder))
