"""The named endpoints as another program uses them, with gradio_client."""

from __future__ import annotations

import json
import warnings

import pytest
from pages import program
from servers import completion, scripted, status

from interviewer.planning.plan import plan

pytestmark = pytest.mark.real

RIGHT = "训练的时候用当前小批量的均值和方差，测试时改用训练中累积的滑动平均；γ和β两个阶段共用，训练时学。"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with program(tmp_path_factory.mktemp("api")) as started:
        yield started


def connect(url: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gradio_client import Client

        return Client(url, verbose=False)


@pytest.fixture(scope="module")
def client(running):
    client = connect(running.url)
    yield client
    client.close()


def test_a_program_takes_an_interview_of_three_questions(client):
    begun = client.predict(["norm_regularisation"], 3, api_name="/start")
    session, asked = begun["session"], {begun["turn"]["question"]}
    assert len(session) >= 20 and begun["said"]
    row = client.predict(session, RIGHT, api_name="/reply")
    assert row["grade"]["grader"] == "offline" and row["said"] == row["turn"]["said"]
    assert all(point["quote"] in RIGHT for point in row["grade"]["points"])
    assert client.predict(session, api_name="/hint")["hint"]
    for _ in range(12):
        if row["ended"]:
            break
        asked.add(row["turn"]["question"])
        row = client.predict(session, api_name="/skip")
    assert row["ended"] and len(asked) == 3
    assert row["report"]["total"] is not None and row["report"]["markdown"].startswith("# ")
    assert client.predict(session, api_name="/report") == row["report"]
    assert client.predict(session, api_name="/end") == row["report"]


def test_an_interview_in_english(client):
    begun = client.predict([], 1, "en", api_name="/start")
    assert begun["said"].startswith("Hello")


@pytest.mark.parametrize(
    ("endpoint", "arguments", "told"),
    [
        ("/start", (["astrology"], 3), "astrology"),
        ("/start", ([], 0), "0"),
        ("/start", ([], 10_000), "10000"),
        ("/start", ([], 3, "fr"), "fr"),
        ("/reply", ("nobody", "x"), "nobody"),
        ("/hint", ("nobody",), "nobody"),
        ("/report", ("../../etc/passwd",), "passwd"),
    ],
)
def test_a_wrong_call_gets_a_sentence(client, endpoint, arguments, told):
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match=told):
        client.predict(*arguments, api_name=endpoint)


def test_an_empty_reply_and_a_second_reply_after_the_end_are_refused(client):
    from gradio_client.exceptions import AppError

    session = client.predict([], 1, api_name="/start")["session"]
    with pytest.raises(AppError, match="没有文字"):
        client.predict(session, " \u200b ", api_name="/reply")
    client.predict(session, api_name="/end")
    with pytest.raises(AppError, match="已经结束"):
        client.predict(session, "晚了", api_name="/reply")


def judgement(verdict: str, quote: str, points: list[str]) -> str:
    rows = [{"id": point, "reason": "原话如此", "quote": quote, "verdict": verdict} for point in points]
    return json.dumps({"points": rows, "misconceptions": []}, ensure_ascii=False)


def test_an_endpoint_that_refuses_is_stood_in_for_and_the_result_says_so(tmp_path):
    with (
        scripted([status(401)]) as server,
        program(
            tmp_path, INTERVIEWER_BASE_URL=server.url, INTERVIEWER_MODEL="m", INTERVIEWER_API_KEY="sk-secret"
        ) as own,
    ):
        client = connect(own.url)
        session = client.predict([], 1, "zh", 0, 1, api_name="/start")["session"]
        row = client.predict(session, RIGHT, api_name="/reply")
        client.close()
        assert "sk-secret" not in own.log()
    assert row["grade"]["grader"] == "offline"
    assert "密钥" in row["grade"]["fallback"] and "sk-secret" not in str(row)
    assert any("密钥" in fallback for fallback in row["report"]["fallbacks"])


def test_with_an_endpoint_the_model_judges_and_words_the_follow_up(tmp_path, bank):
    question = bank.get("norm_regularisation/bn-train-vs-test")
    points = [point.id for point in question.points]
    wording = "你提到了滑动平均。那么线上只来一张图时，会怎么样？"
    judged = completion(judgement("met", "测试时改用训练中累积的滑动平均", points))
    # What the offline grader judges the other way round is put to the model once more.
    steps = [judged, judged, completion(wording)]
    with (
        scripted(steps) as server,
        program(tmp_path, INTERVIEWER_BASE_URL=server.url, INTERVIEWER_MODEL="m") as own,
    ):
        client = connect(own.url)
        seed = next(s for s in range(999) if plan(bank, [], 1, 2, "zh", s).questions == (question.id,))
        session = client.predict([], 1, "zh", 2, seed, api_name="/start")["session"]
        row = client.predict(session, RIGHT, api_name="/reply")
        client.close()
        sent = server.bodies
    assert row["grade"]["grader"] == "llm" and row["grade"]["score"] == 100 and row["grade"]["fallback"] == ""
    assert row["said"] == wording and row["turn"]["follow_up"] and row["turn"]["fallback"] == ""
    assert sent[2]["stream"] is True
    assert all(point.text in str(sent[0]["messages"]) for point in question.points)
