"""A service whose secrets are no secrets does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = "0123456789abcdef0123456789abcdef"
COMPLETE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "JWT_SECRET": GOOD,
    "PASSWORD_PEPPER": GOOD,
    "SEALING_KEYS": f"a:{GOOD * 2}",
    "PUBLIC_URL": "https://wallet.example",
    "MAILBOX": "",
}


def start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    """`serve` in production, with these settings changed or, where they are None, left out."""
    environment = {name: value for name, value in {**COMPLETE, **changed}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "entrypoints", "serve"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "WALLET_ENV": "production", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["JWT_SECRET", "PASSWORD_PEPPER"])
@pytest.mark.parametrize(
    "secret", [None, GOOD[:31], "an example of 32 bytes or rather more"], ids=["missing", "short", "the example"]
)
def test_row_10_a_service_with_a_secret_that_is_none_ends_before_it_listens(name: str, secret: str | None) -> None:
    """Row 10."""
    ended = start(**{name: secret})

    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert name in said
    assert "listening" not in said
    assert secret is None or secret not in said
    assert GOOD not in said
