"""An endpoint that does not really sleep."""

from __future__ import annotations

import importlib

import pytest
from calls import KEY

from interviewer.llm import Endpoint


@pytest.fixture(scope="module", autouse=True)
def _openai_is_imported():
    """Keep the second of its import out of the budgets of the tests."""
    importlib.import_module("openai.resources.chat")


@pytest.fixture
def sleeps():
    return []


@pytest.fixture
def connect(sleeps):
    """Return endpoints that do not really sleep between attempts."""
    opened = []

    def connect(url, **options):
        values = {"api_key": KEY, "model": "m", "budget_s": 30.0, "sleep": sleeps.append} | options
        opened.append(Endpoint(base_url=url, **values))
        return opened[-1]

    yield connect
    for endpoint in opened:
        endpoint.close()
