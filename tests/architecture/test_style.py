"""The shape of the code: sizes, names and what must not stand in it."""

import ast
from collections import Counter

from tests.architecture.trees import EVERYTHING, PRODUCTION, Module, imported, is_within, modules
from wallet_core.testing import contracts

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70
UNSPEAKING_NAMES = {"utils", "util", "helpers", "helper", "managers", "manager", "common", "base", "misc", "shared"}
# Their floats are seconds that something is kept for.
HOLDING_SECONDS = {"wallet_core.ledger.caching", "wallet_core.wallets.pages"}


def test_no_file_is_too_long() -> None:
    lengths = {str(module): module.text.count("\n") for module in modules(*EVERYTHING)}

    assert {path: length for path, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{module}: {function.name} has {length} lines"
        for module in modules(*EVERYTHING)
        for function in _functions(module)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert too_long == []


def test_names_of_modules_say_what_is_in_them() -> None:
    found = [str(module) for module in modules(*EVERYTHING) if UNSPEAKING_NAMES & set(module.name.split("."))]

    assert found == []


def test_names_of_classes_say_what_they_are() -> None:
    found = [
        f"{module}: {node.name}"
        for module in modules(*PRODUCTION)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Impl", "Manager", "Helper", "Util", "Utils"))
    ]

    assert found == []


def test_everything_public_in_the_core_says_what_it_means() -> None:
    silent = [
        f"{module}: {name}"
        for module in modules("wallet_core")
        for name, node in _public_definitions(module)
        if ast.get_docstring(node) is None
    ]

    assert silent == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(module) for module in modules(*PRODUCTION) if module.text and ast.get_docstring(module.tree) is None]

    assert silent == []


def test_nothing_is_left_to_do_in_comments() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK")
    found = [f"{module}: {mark}" for module in modules(*EVERYTHING) for mark in marks if mark in module.text]

    assert found == []


def test_no_test_is_skipped() -> None:
    skips = ("pytest.mark." + "skip", "pytest." + "skip(", "pytest.mark." + "xfail", "pytest." + "importorskip")
    found = [f"{module}: {skip}" for module in modules("tests", "wallet_core") for skip in skips if skip in module.text]

    assert found == []


def test_no_class_tests_a_name_twice() -> None:
    """The second of two tests of one name replaces the first, and nobody notices."""
    found = []
    for module in modules("tests", "wallet_core/testing"):
        scopes: list[ast.Module | ast.ClassDef] = [module.tree]
        scopes += (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))
        for scope in scopes:
            names = Counter(
                node.name for node in scope.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            )
            found += [f"{module}: {name}" for name, count in names.items() if count > 1 and name.startswith("test")]

    assert found == []


def test_no_contract_replaces_a_test_of_another_that_it_joins() -> None:
    suites = [getattr(contracts, name) for name in contracts.__all__ if name.endswith("Contract")]

    found = [
        f"{suite.__name__}: {name}"
        for suite in suites
        for name, count in Counter(name for part in suite.__mro__ for name in vars(part)).items()
        if name.startswith("test") and count > 1
    ]

    assert len(suites) >= 7
    assert found == []


def test_money_is_never_a_float_in_the_core() -> None:
    found = [
        f"{module}: line {node.lineno}"
        for module in modules("wallet_core/ledger", "wallet_core/wallets", "wallet_core/payments")
        if module.name not in HOLDING_SECONDS
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    ]

    assert found == []


def test_only_the_clock_takes_the_time_in_the_core() -> None:
    found = [
        f"{module}: {name}"
        for module in modules("wallet_core")
        if not is_within(module.name, "wallet_core.testing")
        for name in imported(module)
        if name in {"time", "random", "secrets", "uuid.uuid4", "uuid.uuid1"}
    ]

    assert found == []


def _functions(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public_definitions(module: Module) -> list[tuple[str, _Definition]]:
    """Classes and functions of the module and methods of its public classes, tests and private ones apart."""
    found: list[tuple[str, _Definition]] = []
    for node in module.tree.body:
        if not isinstance(node, _Definition) or node.name.startswith(("_", "test")):
            continue
        found.append((node.name, node))
        if isinstance(node, ast.ClassDef):
            found += [
                (f"{node.name}.{inner.name}", inner)
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                and not inner.name.startswith(("_", "test"))
            ]
    return found
