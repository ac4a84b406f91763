"""The containers of one compose project, by the commands a person would type. Every command has a time-out."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND_SECONDS_MAX = 120.0
BUILD_SECONDS_MAX = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a command ended and everything it wrote."""

    code: int
    text: str


class Stack:
    """One project. COMPOSE_COMMAND and ENV_FILE say how to reach it; compose reads the rest of the environment."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._compose = shlex.split(environ["COMPOSE_COMMAND"])
        self.env_file = Path(environ["ENV_FILE"])
        self.port = int(environ["API_PORT"])
        self.image = environ["WALLET_IMAGE"]

    def try_compose(self, *words: str, env_file: Path | None = None, seconds_max: float = COMMAND_SECONDS_MAX) -> Said:
        """Run a compose command that may fail. Raises TimeoutExpired."""
        return _run([*self._compose, "--env-file", str(env_file or self.env_file), *words], seconds_max)

    def compose(self, *words: str, seconds_max: float = COMMAND_SECONDS_MAX) -> str:
        """Run a compose command that must succeed, and return what it wrote."""
        return _text_of(self.try_compose(*words, seconds_max=seconds_max), words)

    def execute(self, service: str, *words: str) -> str:
        """Run a command in a service's container; it must succeed."""
        return self.compose("exec", "-T", service, *words).strip()

    def try_execute(self, service: str, *words: str) -> Said:
        """Run a command in a service's container; it may fail."""
        return self.try_compose("exec", "-T", service, *words)

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows about a service's container, whether it runs or not."""
        container = self.compose("ps", "--all", "--quiet", service).split()[-1]
        words = ["docker", "inspect", container]
        described: list[dict[str, Any]] = json.loads(_text_of(_run(words, COMMAND_SECONDS_MAX), words))
        return described[0]

    def secrets(self) -> list[str]:
        """The secret values of this project."""
        lines = self.env_file.read_text(encoding="utf-8").splitlines()
        return [
            value for line in lines for name, _, value in [line.partition("=")] if len(value) >= 32 and name.isupper()
        ]


def _run(words: list[str], seconds_max: float) -> Said:
    ended = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds_max,
        check=False,
    )
    return Said(code=ended.returncode, text=ended.stdout)


def _text_of(said: Said, words: object) -> str:
    assert said.code == 0, f"{words} ended with {said.code}:\n{said.text[-3000:]}"
    return said.text
