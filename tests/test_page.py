"""The page in a real browser: three questions with follow-ups, a reload, a killed process, hostile text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pages import browser, program, shoot

pytestmark = pytest.mark.real

HOSTILE = ' <b id="bold">粗</b><script>document.title="hacked"</script><img src=x onerror="x()"> $x^2$ **md**'


@pytest.fixture(scope="module")
def replies() -> dict[str, str]:
    lines = (Path(__file__).parent / "replies.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["question"]: row["reply"] for row in rows if row["kind"] == "good"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with program(tmp_path_factory.mktemp("page")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture
def page(chromium, running):
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    strangers = []
    page.on("request", lambda request: strangers.append(request.url) if running.url not in request.url else None)
    page.goto(running.url)
    page.wait_for_selector("#start")
    yield page
    assert [url for url in strangers if not url.startswith(("data:", "blob:"))] == []
    context.close()


def begin(page, count: int) -> None:
    """Begin an interview on the topic that the replies are for."""
    page.check("#topics label:has-text('Dropout') input")
    page.fill("#count input[type=number]", str(count))
    page.click("#start")
    page.wait_for_selector("#chat .message")


def said(page) -> list[str]:
    return page.eval_on_selector_all("#chat .message", "all => all.map(one => one.innerText.trim())")


def send(page, text: str) -> None:
    """Send a reply with Ctrl+Enter and wait until the interviewer waits again, or the report is there."""
    before = len(said(page))
    page.fill("#reply textarea", text)
    page.press("#reply textarea", "Control+Enter")
    page.wait_for_function(
        """before => document.querySelector('#report table')
            || (document.querySelectorAll('#chat .message').length >= before + 3
                && !document.querySelector('#send').disabled)""",
        arg=before,
    )


def test_an_interview_of_three_questions_with_follow_ups(page, replies):
    shoot(page, "1-start")
    begin(page, 3)
    questions, follow_ups = set(), 0
    for _ in range(12):
        if page.is_visible("#report"):
            break
        last = said(page)[-1]
        asked = re.search(r"第 (\d) 题（共 3 题）：(.+)", last)
        if asked:
            questions.add(asked[2])
            send(page, replies[asked[2]])
            if not page.is_visible("#report"):
                card = page.inner_text("#card")
                assert re.search(r"\d+ / 100", card) and "“" in card
                shoot(page, f"2-card-{asked[1]}")
        else:
            follow_ups += 1
            send(page, "因为这样每个特征的尺度一致，梯度更稳定，收敛更快；测试时用训练时累积的统计量。")
    assert len(questions) == 3 and follow_ups >= 3
    page.wait_for_selector("#report table")
    report = page.inner_text("#report")
    assert "总分" in report and all(question in report for question in questions)
    page.click("#review button")
    page.wait_for_selector("#review .katex, #review p")
    shoot(page, "3-report")


def test_what_a_candidate_types_is_shown_as_typed_and_never_as_markup(page, replies):
    begin(page, 1)
    send(page, next(iter(replies.values()))[:40] + HOSTILE)
    assert HOSTILE.strip() in "\n".join(said(page))
    assert page.query_selector("#bold") is None
    assert page.query_selector("#chat img, #card img, #chat .user .katex") is None
    assert page.title() == "模拟面试官"


def test_the_reference_answer_is_folded_away_and_renders_its_formulas(page, running, replies):
    for _ in range(8):
        begin(page, 1)
        send(page, "批归一化用当前批的均值方差")
        page.click("#answers button")
        page.wait_for_function("document.querySelector('#answers').innerText.includes('参考答案')")
        assert "$$" not in page.inner_text("#answers")
        if page.query_selector("#answers .katex"):
            shoot(page, "4-answer")
            return
        page.click("#end")
        page.click("#again")
    raise AssertionError("none of eight reference answers showed a formula")


def test_an_empty_and_an_overlong_reply_stay_in_the_box_and_are_told(page):
    begin(page, 1)
    for text, told in ((" ", "没有文字"), ("好" * 9000, "9000")):
        page.fill("#reply textarea", text)
        page.click("#send")
        page.wait_for_selector(f".toast-body:has-text('{told}')")
        assert page.input_value("#reply textarea") == text
    assert len(said(page)) == 1


def test_hint_skip_and_end(page):
    begin(page, 3)
    page.click("#hint")
    page.wait_for_function("[...document.querySelectorAll('#chat .message')].at(-1).innerText.startsWith('提示')")
    page.click("#skip")
    page.wait_for_function("document.querySelector('#chat').innerText.includes('第 2 题')")
    page.click("#end")
    page.wait_for_selector("#report table")
    assert "跳过" in page.inner_text("#report")
    page.click("#again")
    page.wait_for_selector("#start")


def test_the_words_switch_to_english_and_back(page):
    begin(page, 1)
    page.click("#language label:nth-child(2)")
    page.wait_for_function("document.querySelector('#send').innerText == 'Send'")
    assert "Mock interviewer" in page.inner_text("#title")
    page.reload()
    page.wait_for_function("document.querySelector('#send')?.innerText == 'Send'")
    page.click("#language label:nth-child(1)")
    page.wait_for_function("document.querySelector('#send').innerText == '发送'")


def test_a_click_in_a_tab_that_was_left_behind_touches_nothing(page, running):
    begin(page, 3)
    stale = page.context.new_page()
    stale.goto(running.url)
    stale.wait_for_selector("#chat .message")
    page.click("#skip")
    page.wait_for_function("document.querySelector('#chat').innerText.includes('第 2 题')")
    stale.fill("#reply textarea", "这是对第一题的回答")
    stale.click("#send")
    stale.wait_for_selector(".toast-body:has-text('往前走了')")
    assert stale.input_value("#reply textarea") == "这是对第一题的回答"
    stale.wait_for_function("document.querySelector('#chat').innerText.includes('第 2 题')")
    assert "这是对第一题的回答" not in "\n".join(said(stale))
    stale.close()


def test_a_reload_and_a_killed_process_lose_nothing(chromium, tmp_path):
    with program(tmp_path) as own:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(own.url)
        page.wait_for_selector("#start")
        begin(page, 2)
        send(page, "归一化让各个特征处在同一尺度，梯度下降收敛更快。")
        before = said(page)
        page.reload()
        page.wait_for_function("n => document.querySelectorAll('#chat .message').length == n", arg=len(before))
        assert said(page) == before
        # Killed while a reply is under way: it is in the store or still the candidate's, never half there.
        page.fill("#reply textarea", "再说一遍：这个回答在评分之前就已经保存。")
        page.click("#send")
        page.wait_for_function("document.querySelector('#reply textarea').value == ''")
        own.kill()
        own.start()
        page.reload()
        page.wait_for_function("n => document.querySelectorAll('#chat .message').length >= n", arg=len(before) + 3)
        after = said(page)
        assert after[: len(before)] == before
        assert after[len(before)].startswith("再说一遍")
        context.close()
