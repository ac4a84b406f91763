"""Uses the compose file as an operator and two people would; each step builds on the ones before it.

Run by run.sh, which prepares the environment and takes everything down. Ends with `N passed, M failed`; the steps after
one that failed are not tried, since they would only fail for its sake.
"""

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from tests.compose.client import Answer, Client
from tests.compose.stack import BUILD_SECONDS_MAX, Stack

READY_SECONDS_MAX = 60.0
RECOVERY_SECONDS_MAX = 15.0
"""From a server's start to full service. The service itself has 5 s of it; the rest is the server's own start."""
STOP_SECONDS_MAX = 20.0

PASSWORD = "plum-lantern-harbour-72"
PAYMENT_KEY = "compose-first-payment"
APPLICATION_FOLDERS = {"adapters", "entrypoints", "sql", "wallet_core"}

DELETE_AN_ENTRY = """
import asyncio, os, asyncpg

async def main():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"], timeout=10)
    try:
        await connection.execute("DELETE FROM entries")
    except asyncpg.InsufficientPrivilegeError:
        print("refused to", await connection.fetchval("SELECT session_user"))
    finally:
        await connection.close()

asyncio.run(main())
"""


class Exercise:
    """The steps, in order, and what they remember from one to the next."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._nobody = Client(stack.port)
        self._people: dict[str, Client] = {}
        self._wallets: dict[str, str] = {}
        self._first_payment: dict[str, Any] = {}

    def steps(self) -> list[Callable[[], str | None]]:
        """Each is named by what it shows, and may return a figure."""
        return [
            self.a_missing_secret_is_named_before_anything_starts,
            self.the_image_builds,
            self.the_image_holds_the_application_alone,
            self.the_examples_are_refused_by_name,
            self.up_brings_the_api_to_ready,
            self.only_the_api_is_published,
            self.the_container_has_no_rights_to_lose,
            self.the_api_may_not_rewrite_the_books,
            self.the_worker_is_at_work,
            self.two_people_sign_up_and_open_wallets,
            self.money_is_added_and_sent,
            self.a_repeated_transfer_moves_nothing,
            self.balances_and_history_show_it,
            self.verify_finds_nothing,
            self.without_redis_the_database_answers,
            self.without_postgresql_the_api_says_so_and_recovers,
            self.stop_is_graceful,
            self.data_survive_down_and_up,
            self.no_log_holds_a_secret,
        ]

    def a_missing_secret_is_named_before_anything_starts(self) -> None:
        lacking = self._stack.env_file.with_name("lacking.env")
        lines = self._stack.env_file.read_text(encoding="utf-8").splitlines()
        lacking.write_text(
            "\n".join(line for line in lines if not line.startswith("PASSWORD_PEPPER=")), encoding="utf-8"
        )

        said = self._stack.try_compose("up", "--detach", env_file=lacking)

        assert said.code != 0, said.text
        assert "set PASSWORD_PEPPER, or let make env write" in said.text, said.text

    def the_image_builds(self) -> str:
        start = time.monotonic()
        self._stack.compose("build", seconds_max=BUILD_SECONDS_MAX)

        return f"{time.monotonic() - start:.1f} s"

    def the_image_holds_the_application_alone(self) -> None:
        listed = self._stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "ls", "api", "-A", "/app")

        found = {line.strip() for line in listed.splitlines()} & {*APPLICATION_FOLDERS, ".env", ".git", "tests"}
        assert found == APPLICATION_FOLDERS, listed

    def the_examples_are_refused_by_name(self) -> None:
        said = self._stack.try_compose("run", "--rm", "--no-deps", "-T", "api", env_file=Path(".env.example"))

        assert said.code != 0, said.text
        assert "JWT_SECRET: Must not be the example" in said.text, said.text
        assert "PASSWORD_PEPPER: Must not be the example" in said.text, said.text
        assert "SEALING_KEYS: Must not be the example" in said.text, said.text
        assert "everybody-can-read" not in said.text, said.text

    def up_brings_the_api_to_ready(self) -> str:
        start = time.monotonic()
        self._stack.compose("up", "--detach", seconds_max=BUILD_SECONDS_MAX)
        self._nobody.wait_until_ready(READY_SECONDS_MAX)

        return f"{time.monotonic() - start:.1f} s"

    def only_the_api_is_published(self) -> None:
        for service in ("postgres", "redis", "worker"):
            ports = self._stack.inspect(service)["NetworkSettings"]["Ports"]
            assert not any(ports.values()), (service, ports)
        [published] = self._stack.inspect("api")["NetworkSettings"]["Ports"].values()
        assert [(each["HostIp"], each["HostPort"]) for each in published] == [("127.0.0.1", str(self._stack.port))]

    def the_container_has_no_rights_to_lose(self) -> None:
        assert self._stack.execute("api", "id", "-u") == "10001"
        for service in ("api", "worker", "postgres", "redis"):
            status = self._stack.execute(service, "cat", "/proc/1/status")
            rights = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert rights["Uid"].split()[0] != "0", (service, rights["Uid"])
            assert int(rights["CapBnd"], 16) == 0, (service, rights["CapBnd"])
            assert rights["NoNewPrivs"] == "1", service
            assert "Read-only file system" in self._stack.try_execute(service, "touch", "/written").text, service
        assert self._stack.try_execute("api", "touch", "/tmp/written").code == 0

    def the_api_may_not_rewrite_the_books(self) -> None:
        assert self._stack.execute("api", "python", "-c", DELETE_AN_ENTRY) == "refused to wallet_service"

    def the_worker_is_at_work(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while (health := self._stack.inspect("worker")["State"]["Health"]["Status"]) != "healthy":
            assert time.monotonic() < deadline, health
            time.sleep(0.5)

    def two_people_sign_up_and_open_wallets(self) -> None:
        for name in ("alice", "bob"):
            email = f"{name}@wallet.test"
            person = {"name": name.title(), "email": email, "password": PASSWORD}
            expect(201, self._nobody.post("/auth/signup", person))
            self._people[name] = self._logged_in(name)
            opened = expect(201, self._people[name].post("/wallets", {"name": "Main", "currency": "USD"}))
            self._wallets[name] = opened["id"]

    def money_is_added_and_sent(self) -> None:
        path = f"/wallets/{self._wallets['alice']}/add-funds"
        added = expect(201, self._people["alice"].post(path, {"amount": "50.00", "currency": "USD"}))
        assert added["status"] == "COMPLETED", added

        sent = self._pay()
        self._first_payment = expect(201, sent)
        assert self._first_payment["status"] == "COMPLETED", sent
        assert "Idempotent-Replayed" not in sent.headers, sent

    def a_repeated_transfer_moves_nothing(self) -> None:
        again = self._pay()

        assert expect(201, again) == self._first_payment
        assert again.headers["Idempotent-Replayed"] == "true", again
        self._expect_balances(alice="37.50", bob="12.50")

    def balances_and_history_show_it(self) -> None:
        self._expect_balances(alice="37.50", bob="12.50")
        assert self._history("alice") == [("transfer_out", "out", "12.50"), ("deposit", "in", "50.00")]
        assert self._history("bob") == [("transfer_in", "in", "12.50")]

    def verify_finds_nothing(self) -> str:
        return self._stack.execute("api", "python", "-m", "entrypoints", "verify").replace("\n", "; ")

    def without_redis_the_database_answers(self) -> None:
        self._stack.compose("stop", "redis")
        self._expect_balances(alice="37.50", bob="12.50")
        expect(200, self._nobody.get("/readyz"))

        self._stack.compose("start", "redis")
        expect(201, self._pay("compose-second-payment", amount="2.50"))
        self._expect_balances(alice="35.00", bob="15.00")

    def without_postgresql_the_api_says_so_and_recovers(self) -> str:
        self._stack.compose("stop", "postgres")
        for answer in (self._nobody.get("/readyz"), self._pay("compose-third-payment")):
            expect(503, answer)
            assert int(answer.headers["Retry-After"]) > 0, answer

        self._stack.compose("start", "postgres")
        waited = self._nobody.wait_until_ready(RECOVERY_SECONDS_MAX)
        expect(201, self._pay("compose-third-payment", amount="5.00"))
        self._expect_balances(alice="30.00", bob="20.00")
        return f"{waited:.1f} s"

    def stop_is_graceful(self) -> str:
        start = time.monotonic()
        self._stack.compose("stop", "api")
        took = time.monotonic() - start

        state = self._stack.inspect("api")["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False), state
        assert took < STOP_SECONDS_MAX, took
        return f"{took:.1f} s"

    def data_survive_down_and_up(self) -> str:
        self._stack.compose("down")
        start = time.monotonic()
        self._stack.compose("up", "--detach")
        self._nobody.wait_until_ready(READY_SECONDS_MAX)
        waited = time.monotonic() - start

        self._people = {name: self._logged_in(name) for name in self._people}
        self._expect_balances(alice="30.00", bob="20.00")
        assert expect(201, self._pay()) == self._first_payment
        self.verify_finds_nothing()
        return f"{waited:.1f} s"

    def no_log_holds_a_secret(self) -> None:
        logs = self._stack.compose("logs", "--no-color")

        assert "listening" in logs, logs[-2000:]
        for secret in [*self._stack.secrets(), PASSWORD]:
            assert secret not in logs

    def _logged_in(self, name: str) -> Client:
        tokens = expect(200, self._nobody.post("/auth/login", {"email": f"{name}@wallet.test", "password": PASSWORD}))
        return Client(self._stack.port, tokens["access_token"])

    def _pay(self, key: str = PAYMENT_KEY, amount: str = "12.50") -> Answer:
        """From Alice to Bob."""
        body = {"to_wallet_id": self._wallets["bob"], "amount": amount, "currency": "USD"}
        path = f"/wallets/{self._wallets['alice']}/transfer"
        return self._people["alice"].post(path, body, {"Idempotency-Key": key})

    def _expect_balances(self, **amounts: str) -> None:
        for name, amount in amounts.items():
            balance = expect(200, self._people[name].get(f"/wallets/{self._wallets[name]}/balance?currency=USD"))
            assert balance["balance"] == amount, (name, balance)

    def _history(self, name: str) -> list[tuple[str, str, str]]:
        page = expect(200, self._people[name].get(f"/wallets/{self._wallets[name]}/transactions"))
        return [(row["type"], row["direction"], row["amount"]) for row in page["data"]]


def expect(status: int, answer: Answer) -> Any:
    """The document of an answer that must have this status."""
    assert answer.status == status, answer
    return answer.body


def main() -> int:
    """Take the steps until one fails; the exit code."""
    stack = Stack()
    passed = failed = 0
    for step in Exercise(stack).steps():
        sentence = step.__name__.replace("_", " ")
        try:
            figure = step()
        except (AssertionError, KeyError, ValueError, OSError, SubprocessError):
            failed += 1
            print(f"FAILED  {sentence}\n{traceback.format_exc()}", flush=True)
            print(stack.try_compose("ps").text, stack.try_compose("logs", "--no-color", "--tail=60").text, sep="\n")
            break
        passed += 1
        print(f"ok      {sentence}{f' ({figure})' if figure else ''}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
