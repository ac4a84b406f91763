"""Whatever is sent to an operation, a running service answers as its own document says it may."""

import os
from typing import Final

import pytest

from tests.fuzz.conftest import AskerOf
from tests.fuzz.document import Document
from tests.races.books import findings
from tests.races.serving import Service
from tests.services.databases import run

EXAMPLES: Final = int(os.environ.get("WALLET_FUZZ_EXAMPLES", "80"))
SEED: Final = int(os.environ.get("WALLET_FUZZ_SEED", "20261120"))
START_SECONDS_MAX: Final = 60

pytestmark = pytest.mark.fuzz


@pytest.mark.timeout(START_SECONDS_MAX + 3 * EXAMPLES)
def test_every_operation_answers_as_the_document_says(service: Service, asker_of: AskerOf) -> None:
    print(f"WALLET_FUZZ_SEED={SEED} WALLET_FUZZ_EXAMPLES={EXAMPLES}")
    document = Document.at(service.url)

    for number, operation in enumerate(document.operations(), SEED):
        document.ask(operation, asker_of(operation.label), examples=EXAMPLES, number=number)

    for label, statuses in document.statuses.items():
        print(label, dict(sorted(statuses.items())))
    published = {f"{method.upper()} {path}" for path, item in document.published["paths"].items() for method in item}
    succeeded = {label for label, statuses in document.statuses.items() if min(statuses) < 300}
    assert "\n\n".join(f"{label}: {told}" for (label, _), told in document.broken.items()) == ""
    published -= document.streams
    assert set(document.statuses) == published
    assert published - succeeded == set(), "nothing was proved of how these succeed"
    assert run(findings(service.database)) == []


def test_an_answer_that_the_document_does_not_tell_of_is_noticed(service: Service, asker_of: AskerOf) -> None:
    document = Document.at(service.url)
    responses = document.published["paths"]["/me"]["get"]["responses"]
    del responses["401"]
    responses["200"]["content"]["application/json"]["schema"] = {"type": "object", "required": ["shoe_size"]}

    for operation in document.operations():
        if operation.label == "GET /me":
            document.ask(operation, asker_of(operation.label), examples=20, number=SEED)

    assert set(document.broken) == {("GET /me", "UndefinedStatusCode"), ("GET /me", "JsonSchemaError")}
