"""Who may import whom."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.trees import PRODUCTION, ROOT, imported, is_within, modules

# What the library ships for tests may use what its users test with.
TEST_LIBRARIES = {
    "wallet_core.testing.contracts": {"pytest"},
    "wallet_core.testing.strategies": {"hypothesis"},
}
CONCRETE = ("adapters",)
CONTAINER = "entrypoints.container"


def test_there_is_something_to_look_at() -> None:
    assert {module.name.partition(".")[0] for module in modules(*PRODUCTION)} == set(PRODUCTION)
    assert len(modules("wallet_core")) > 30


def test_the_core_imports_the_standard_library_alone() -> None:
    foreign = [
        f"{module}: {name}"
        for module in modules("wallet_core")
        for name in imported(module)
        if not is_within(name, "wallet_core")
        and name.partition(".")[0] not in sys.stdlib_module_names
        and name.partition(".")[0] not in _test_libraries(module.name)
    ]

    assert foreign == []


def test_the_core_does_no_input_or_output_of_its_own() -> None:
    worldly = {"socket", "ssl", "http", "urllib", "subprocess", "sqlite3", "os", "pathlib", "tempfile", "logging"}
    found = [
        f"{module}: {name}"
        for module in modules("wallet_core")
        for name in imported(module)
        if name.partition(".")[0] in worldly
    ]

    assert found == []


def test_the_core_imports_nothing_that_it_ships_for_tests() -> None:
    found = [
        f"{module}: {name}"
        for module in modules("wallet_core")
        if not is_within(module.name, "wallet_core.testing")
        for name in imported(module)
        if is_within(name, "wallet_core.testing")
    ]

    assert found == []


def test_nothing_in_production_imports_what_the_library_ships_for_tests() -> None:
    found = [
        f"{module}: {name}"
        for module in modules("adapters", "entrypoints")
        for name in imported(module)
        if is_within(name, "wallet_core.testing") or is_within(name, "tests")
    ]

    assert found == []


def test_only_the_container_names_concrete_adapters() -> None:
    found = [
        f"{module}: {name}"
        for module in modules("entrypoints")
        if not is_within(module.name, CONTAINER)
        for name in imported(module)
        if any(is_within(name, package) for package in CONCRETE)
    ]

    assert found == []


def test_adapters_do_not_know_each_other() -> None:
    found = [
        f"{module}: {name}"
        for module in modules("adapters")
        for name in imported(module)
        if is_within(name, "adapters") and name.split(".")[1:2] not in ([], [module.name.split(".")[1]])
    ]

    assert found == []


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")

    checked = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_library_depends_on_nothing_and_its_wheel_holds_it_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["dependencies"] == []
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["wallet_core"]}
    assert (ROOT / "wallet_core" / "py.typed").is_file()


def _test_libraries(name: str) -> set[str]:
    return {library for package, allowed in TEST_LIBRARIES.items() if is_within(name, package) for library in allowed}
