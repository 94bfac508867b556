"""The core touches nothing: what it imports, what it loads, and what that costs."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sansio_core

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "sansio_core"
MODULES = sorted(CORE.rglob("*.py"))

BANNED = {
    "asyncio", "socket", "ssl", "select", "selectors", "threading", "_thread", "time", "random", "secrets", "os",
    "pathlib", "subprocess", "signal", "http", "urllib.request", "email", "logging", "requests", "h11", "urllib3",
    "transports", "concurrent", "multiprocessing", "tempfile", "uuid", "datetime",
}  # fmt: skip
LOADED = (
    "asyncio", "socket", "ssl", "select", "http.client", "urllib.request", "requests", "h11", "email",
    "email.utils", "email.message", "logging", "random", "threading",
)  # fmt: skip

# What each room may import of the core, beside itself. The modules of GROUND are on one floor, and may look at their
# neighbours; those of BELOW import nothing of the core, and every room may import them.
BELOW = {"redact", "plain", "partial_json", "model_facts", "typed"}
TYPES = {"shapes", "records", "annotations", "functions"}
GROUND = {
    "errors", "http_request", "strict_json", "parts", "part_forms", "options", "option_hints", "tool_call", "request",
    "events", *TYPES,
}  # fmt: skip
ROOMS: dict[str, set[str]] = {
    **{room: set() for room in BELOW},
    **dict.fromkeys(GROUND, GROUND),
    "content_coding": GROUND,
    "parsers": GROUND,
    "timing": GROUND,
    "warning": {"errors"},
    "retry_after": GROUND,
    "quota": GROUND | {"retry_after"},
    "retry": GROUND | {"timing"},
    "pacing": GROUND | {"timing", "retry"},
    "structured": GROUND,
    "stored": GROUND,
    "reply": GROUND | {"structured", "stored"},
    "dialects": GROUND | {"parsers", "retry_after"},
    "model_info": set(),
    # `__version__` is no room: it is set before any is loaded.
    "providers": GROUND | {"warning", "parsers", "retry", "timing", "dialects", "model_info", "__version__"},
    "_clocks": GROUND | {"timing"},
    "states": GROUND,
}
SHARED = ("__init__", "base", "call", "hosts", "json_provider", "registering")
"""The modules of providers/ that are no provider."""


def is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path: Path) -> list[str]:
    """Every module that `path` imports, as an absolute name."""
    tree = ast.parse(path.read_text())
    package = ["sansio_core", *path.relative_to(CORE).parent.parts]
    found = []
    never = {id(node) for top in tree.body if is_for_types(top) for node in ast.walk(top)}
    for node in ast.walk(tree):
        if id(node) in never:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            found += [f"{name}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(CORE)) for path in MODULES])
def test_no_module_of_the_core_imports_what_touches_the_world(path: Path) -> None:
    for name in imports(path):
        parts = name.split(".")
        prefixes = {".".join(parts[: n + 1]) for n in range(len(parts))}
        assert not prefixes & BANNED, f"{path.name} imports {name}"
    text = path.read_text()
    assert "__import__" not in text
    assert "import_module" not in text or path in (CORE / "__init__.py", CORE / "providers" / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(CORE)) for path in MODULES])
def test_rooms_look_one_way(path: Path) -> None:
    parts = path.relative_to(CORE).with_suffix("").parts
    room = parts[0]
    for name in imports(path):
        target = name.split(".")
        if target[0] != "sansio_core" or len(target) < 2:
            continue
        if room in ROOMS:
            allowed = (
                ROOMS[room]
                | ({room} if len(parts) > 1 or room in GROUND else set())
                | (BELOW if room not in BELOW else set())
            )
            assert target[1] in allowed, f"{'/'.join(parts)} imports {name}"
        assert target[1] != "tape" or room == "tape", f"{'/'.join(parts)} imports {name}: the core needs no tapes"
        if room == "providers" and parts[1] not in SHARED and target[1] == "providers":
            assert target[2] in SHARED, f"the provider {parts[1]} imports another, {target[2]}"
        if room not in ("providers", "__init__") and target[1] == "providers" and len(target) > 2:
            concrete = (CORE / "providers" / f"{target[2]}.py").exists() and target[2] not in SHARED
            assert not concrete, f"{room} imports the concrete provider {target[2]}"


def test_the_table_of_rooms_is_of_this_house() -> None:
    rooms = {path.relative_to(CORE).with_suffix("").parts[0] for path in MODULES}
    assert set(ROOMS) <= rooms


def place_on_map(module: tuple[str, ...]) -> str:
    """The name under which the map has the module: a dialect's folder is one entry, a provider the registry's.

    The tapes are one, too: their package has its own map.
    """
    module = tuple(part for part in module if part != "__init__")
    if module[0] == "dialects":
        return ".".join(module[:2])
    if module[0] == "tape":
        return "tape"
    if module[0] == "providers" and not (len(module) > 1 and module[1] in SHARED):
        return "providers"
    return ".".join(module)


def test_the_map_has_every_module_and_imports_point_upwards() -> None:
    page = ast.get_docstring(ast.parse((CORE / "__init__.py").read_text())) or ""
    entries = re.findall(r"^    ([a-z_.]+)", page, re.M)
    modules = {path: path.relative_to(CORE).with_suffix("").parts for path in MODULES}
    rooms = {("__init__",), ("parsers", "__init__"), ("dialects", "__init__")}
    own = {path: place_on_map(module) for path, module in modules.items() if module not in rooms}
    assert sorted(entries) == sorted(set(own.values()))
    for path, place in own.items():
        for name in imports(path):
            target = tuple(name.split("."))[1:]
            known = [n for n in range(len(target), 0, -1) if place_on_map(target[:n]) in entries]
            if name.startswith("sansio_core.") and known:
                above = place_on_map(target[: known[0]])
                assert entries.index(above) <= entries.index(place), f"{place} imports {above}, which the map has below"


def test_the_map_of_the_tapes_has_every_module_and_imports_point_upwards() -> None:
    page = ast.get_docstring(ast.parse((CORE / "tape" / "__init__.py").read_text())) or ""
    entries = re.findall(r"^([a-z]+) +", page.partition("In reading order:")[2].partition("    for event")[0], re.M)
    modules = {path.stem: path for path in (CORE / "tape").glob("*.py") if path.stem != "__init__"}
    assert sorted(entries) == sorted(modules)
    for module, path in modules.items():
        for name in imports(path):
            target = name.removeprefix("sansio_core.tape.").split(".")[0]
            late = module == "model" and target in ("format", "writing")  # loaded when used
            if name.startswith("sansio_core.tape.") and not late:
                assert entries.index(target) <= entries.index(module), f"{module} imports {target}, below it on the map"



def fresh(code: str) -> str:
    """What a fresh interpreter prints for `code`."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(code: str) -> set[str]:
    """The modules that `code` loads beyond those of a bare interpreter."""
    show = "\nimport json; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(fresh(code + show).splitlines()[-1])) - set(json.loads(fresh(show)))


def test_every_public_name_is_loaded_when_it_is_used() -> None:
    assert sorted([*sansio_core._HOMES, "parsers", "providers"]) == sorted(sansio_core.__all__)
    for name in sansio_core.__all__:
        value = getattr(sansio_core, name)
        if inspect.isclass(value):
            assert value.__module__.startswith(f"sansio_core.{sansio_core._HOMES[name]}"), name
    assert not [name for name in loaded_by("import sansio_core; dir(sansio_core)") if name.startswith("sansio_core.")]
    errors_alone = loaded_by("from sansio_core import ChatError")
    assert not any(name.startswith(("sansio_core.dialects", "sansio_core.providers")) for name in errors_alone)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = sansio_core.Nothing


AT_ONCE = """
import sansio_core, sys, threading
sys.setswitchinterval(1e-5)
names = ["ChatParser", "Exchange", "ModelList", "parsers", "ChatParser", "Exchange", "ContentDecoder", "Reply"]
barrier, failed = threading.Barrier(len(names)), []

def load(name):
    barrier.wait()
    try:
        getattr(sansio_core, name)
    except Exception as error:
        failed.append(repr(error))

threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""


@pytest.mark.parametrize("attempt", range(8))
def test_threads_may_load_names_at_once(attempt: int) -> None:
    assert fresh(AT_ONCE) == "[]\n"


def test_using_all_of_it_loads_nothing_that_touches_the_world() -> None:
    loaded = loaded_by("from sansio_core import *")
    assert not loaded & set(LOADED)
    assert not any(
        name.startswith("sansio_core.providers.") and name.rpartition(".")[2] not in SHARED for name in loaded
    )


WHOLE = """
import sys, warnings
sys.path.insert(0, {tests!r})
from sansio_core import ChatRequest, Exchange, Finish, Send, Wait, providers, ChatError
for name in providers.names():
    model = "deployment" if name.startswith("azure") else None
    for status, body in ((200, b"Hello"), (200, b'data: {{"error": "no"}}\\n\\n'), (503, b"no"), (307, b"")):
        provider = providers.create(name, api_key="key", base_url="http://h", model=model)
        exchange = Exchange(provider, ChatRequest("Hello"), random=lambda: 0.5)
        now = 0.0
        try:
            while not isinstance(action := exchange.next_action(now), Finish):
                now += 1
                if isinstance(action, Wait):
                    now += action.seconds
                    continue
                repr(action)
                exchange.receive_head(status, [("location", "/x"), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], 1)
                if exchange.reading: exchange.receive_data(body, now)
                if exchange.reading: exchange.receive_data(b"", now)
        except ChatError as error:
            str(error)
        exchange.reply.message, exchange.reply.partial()
"""


TYPES_OF_USERS = """
from dataclasses import dataclass
from sansio_core import ChatRequest, Event, Reply, TextDelta, ToolCall

@dataclass
class City:
    name: str

def visit(city: City) -> str:
    return city.name

ChatRequest("Hello", response_format=City, tools=[visit])
ToolCall("id", "visit", '{"city": {"name": "Graz"}}').invoke(visit)
Reply.from_dict(Reply.of([Event.from_dict(TextDelta('{"name": "Graz"}').to_dict())]).to_dict()).parse(City)
"""


def test_driving_whole_exchanges_loads_nothing_more() -> None:
    loaded = loaded_by(WHOLE.format(tests=str(ROOT)))
    assert not loaded & set(LOADED)
    assert not loaded & {f"sansio_core.{name}" for name in TYPES}  # whoever gives no type does not pay for types


def test_types_of_users_load_nothing_more() -> None:
    assert not loaded_by(TYPES_OF_USERS) & set(LOADED)


def test_the_transports_load_nothing_before_they_are_used() -> None:
    loaded = loaded_by("import transports; dir(transports)")
    assert not loaded & {"requests", "urllib3", "h11", "asyncio", "socket", "_socket", "ssl"}
