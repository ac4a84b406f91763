"""The mistakes: each an exact change of the source, and the tests that are to notice it, the cheapest that should."""

from typing import Final

from tests.teeth.administration import ADMINISTRATION
from tests.teeth.mistakes import Edit, mutant
from tests.teeth.protection import PROTECTION
from tests.teeth.sessions import SESSIONS

IN_MEMORY: Final = "tests/contracts/test_in_memory.py::TestInMemoryLedger"
POSTGRES: Final = "tests/contracts/test_postgres.py::TestPostgresLedger"
LEDGER: Final = "tests/adapters/test_postgres_ledger.py"
CACHES: Final = "tests/contracts/test_caches.py"
SECOND_FACTORS: Final = "tests/contracts/test_second_factor.py"

_SQL: Final = "sql/queries/ledger.sql"
_LOCKING: Final = "sql/migrations/0014_batches_in_one_round_trip.sql"
_SCHEMA: Final = "sql/migrations/0002_ledger.sql"
_DECIDE: Final = "wallet_core/ledger/decide.py"
_BATCHING: Final = "wallet_core/ledger/batching.py"
_POSTGRES: Final = "adapters/postgres/ledger.py"
_REDIS: Final = "adapters/redis/accounts.py"
_CONTAINER: Final = "entrypoints/container/money.py"

# The ledger is given the cache, for mistakes that take one.
_LEDGER_HAS_THE_CACHE: Final = (
    Edit(
        _CONTAINER,
        "ObservedLedger, postgres_ledger, batch_figures",
        "ObservedLedger, postgres_ledger.add_attributes(cache=Foundation.account_cache), batch_figures",
    ),
    Edit(
        _POSTGRES,
        '        self._queries = load_queries("ledger")\n',
        '        self._queries = load_queries("ledger")\n        self.cache = None\n',
    ),
)

LOCKS: Final = (
    mutant(
        "accounts are not locked",
        Edit(_LOCKING, "         ORDER BY a.id\n           FOR NO KEY UPDATE OF a\n", "         ORDER BY a.id\n"),
        tests=(POSTGRES, "-k", "at_once"),
    ),
    mutant(
        "limits are read, then written, and not locked",
        Edit(_LOCKING, "l.currency\n           FOR NO KEY UPDATE OF l\n", "l.currency\n"),
        tests=(POSTGRES, "-k", "share_one_limit"),
    ),
    mutant(
        "accounts are locked in the order they come in",
        Edit(
            _LOCKING,
            "         ORDER BY a.id\n           FOR NO KEY UPDATE OF a\n",
            "           FOR NO KEY UPDATE OF a\n",
        ),
        tests=(LEDGER, "-k", "are_locked_in_the_order"),
    ),
    mutant(
        "limits are locked in the order they come in",
        Edit(
            _LOCKING,
            "         ORDER BY l.user_id, l.kind, l.currency\n           FOR NO KEY UPDATE OF l\n",
            "           FOR NO KEY UPDATE OF l\n",
        ),
        tests=(LEDGER, "-k", "are_locked_in_the_order"),
    ),
    mutant(
        "a lost race is answered as insufficient funds",
        Edit(
            _POSTGRES,
            '                    raise Unavailable("The accounts are too busy.") from error\n',
            "                    from wallet_core.ledger.outcomes import Declined, Reason\n\n"
            "                    return [Declined(reason=Reason.INSUFFICIENT_FUNDS) for _ in commands]\n",
        ),
        tests=(LEDGER, "-k", "held_for_too_long"),
    ),
    mutant(
        "who loses the race for a key is not told who won it",
        Edit(_POSTGRES, "return error.constraint_name == _KEY_INDEX", "return False"),
        tests=(POSTGRES, "-k", "key and (race or once)"),
    ),
)

RULES: Final = (
    mutant(
        "the table lets people be overdrawn",
        Edit(
            "sql/migrations/0001_people_and_wallets.sql",
            "    UNIQUE (wallet_id, currency),\n"
            "    CONSTRAINT nobody_is_overdrawn CHECK (user_id IS NULL OR (0 <= held AND held <= balance))\n",
            "    UNIQUE (wallet_id, currency)\n",
        ),
        tests=("tests/adapters/test_schema.py", "-k", "overdrawn"),
    ),
    mutant(
        "the decision lets people be overdrawn",
        Edit(_DECIDE, "source.available < command.amount", "source.available < 0"),
        tests=(IN_MEMORY,),
    ),
    mutant(
        "the last cent cannot be spent",
        Edit(_DECIDE, "source.available < command.amount", "source.available <= command.amount"),
        tests=(IN_MEMORY,),
    ),
    mutant(
        "what is held can be spent",
        Edit(_DECIDE, "source.available < command.amount", "source.balance < command.amount"),
        tests=("tests/core/test_decide.py",),
    ),
    mutant(
        "a command does not see the ones before it in its batch",
        Edit(_DECIDE, "        state.apply(outcome)\n", ""),
        tests=(IN_MEMORY,),
    ),
    mutant(
        "the limit is checked and its use not counted",
        Edit(
            "wallet_core/ledger/limits.py",
            "            day_used=self.day_used + amount,\n            month_used=self.month_used + amount,\n",
            "            day_used=self.day_used,\n            month_used=self.month_used,\n",
        ),
        tests=(IN_MEMORY, "-k", "limit"),
    ),
    mutant(
        "every refusal of a flood is kept",
        Edit("wallet_core/ledger/accounts.py", "recorded = before < DECLINES_RECORDED_MAX", "recorded = True"),
        tests=(IN_MEMORY, "-k", "flood"),
    ),
    mutant(
        "what is written can be rewritten",
        Edit(
            _SCHEMA,
            "CREATE TRIGGER entries_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries\n",
            "CREATE TRIGGER entries_are_append_only BEFORE DELETE OR TRUNCATE ON entries\n",
        ),
        tests=("tests/adapters/test_schema.py", "-k", "stays"),
    ),
    mutant(
        "events are not written",
        Edit(_SQL, "AS kept_transaction[])) AS n;", "AS kept_transaction[])) AS n\n WHERE false;"),
        tests=(POSTGRES, "-k", "test_a_deposit_credits"),
    ),
)

KEYS: Final = (
    mutant(
        "another request under the same key is taken for a retry",
        Edit(_DECIDE, "if earlier.fingerprint != command.fingerprint:", "if earlier.fingerprint is None:"),
        tests=(IN_MEMORY,),
    ),
    mutant(
        "keys are not unique",
        Edit(_SCHEMA, "CREATE UNIQUE INDEX transactions_user_key", "CREATE INDEX transactions_user_key"),
        tests=("tests/adapters/test_schema.py", "-k", "written_once"),
    ),
    mutant(
        "refusals are decided anew on a retry",
        Edit(_DECIDE, "if earlier is not None:", "if earlier is not None and earlier.reason is None:"),
        tests=(IN_MEMORY,),
    ),
    mutant(
        "the key is recorded in a transaction of its own, after the money moved",
        Edit(
            _POSTGRES,
            '            await self._queries["record"].execute(connection, **rows)\n',
            '            await self._queries["record"].execute(connection, **(rows | {"transactions": []}))\n',
        ),
        Edit(
            _POSTGRES,
            "                lost = await commit(transaction)\n",
            "                lost = await commit(transaction)\n"
            "                kept = [o.transaction for o in outcomes if o.transaction is not None and not o.replayed]\n"
            "                if kept:\n"
            "                    rows = recorded_rows(outcomes, kept[0].created_at) or {}\n"
            '                    rows |= {"accounts": [], "limits": [], "entries": []}\n'
            '                    await self._queries["record"].execute(connection, **rows)\n',
        ),
        tests=("tests/outages/test_broken_commits.py",),
    ),
)

COMMITS: Final = (
    mutant(
        "the answer comes before the commit",
        Edit(
            _POSTGRES,
            "    async def _post_once(self, commands: Sequence[Command]) -> list[Outcome]:\n",
            "    async def _post_once(self, commands):\n"
            "        decided = asyncio.get_running_loop().create_future()\n"
            "        self.late = asyncio.create_task(self._post_and_commit(commands, decided))\n"
            "        self.late.add_done_callback(lambda late: late.cancelled() or late.exception())\n"
            "        await asyncio.wait([self.late, decided], return_when=asyncio.FIRST_COMPLETED)\n"
            "        return decided.result() if decided.done() else self.late.result()\n\n"
            "    async def _post_and_commit(self, commands, decided):\n",
        ),
        Edit(
            _POSTGRES,
            "                    outcomes = await self.post_within(connection, commands)\n",
            "                    outcomes = await self.post_within(connection, commands)\n"
            "                decided.set_result(outcomes)\n",
        ),
        tests=(LEDGER, "-k", "never_arrived"),
    ),
    mutant(
        "what is not committed yet is put into the cache",
        *_LEDGER_HAS_THE_CACHE,
        Edit(
            _POSTGRES,
            "                lost = await commit(transaction)\n",
            "                if self.cache is not None:\n"
            "                    await self.cache.put([a for o in outcomes for a in o.accounts if a.user_id])\n"
            "                lost = await commit(transaction)\n",
        ),
        tests=("tests/outages/test_broken_commits.py", "-k", "not_committed"),
    ),
    mutant(
        "a commit whose answer was lost is said to have failed",
        Edit(
            _POSTGRES,
            "        return outcomes if lost is None else await self._find_out(outcomes, lost)\n",
            "        if lost is not None:\n"
            '            raise Unavailable("The database does not answer.") from lost\n'
            "        return outcomes\n",
        ),
        tests=(LEDGER, "-k", "commit"),
    ),
    mutant(
        "a commit whose answer was lost is said to have succeeded",
        Edit(
            _POSTGRES,
            "        return outcomes if lost is None else await self._find_out(outcomes, lost)\n",
            "        return outcomes\n",
        ),
        tests=(LEDGER, "-k", "commit"),
    ),
    mutant(
        "commits do not wait for the disk",
        Edit(
            "adapters/postgres/database.py",
            '    "timezone": "UTC",\n',
            '    "timezone": "UTC",\n    "synchronous_commit": "off",\n',
        ),
        tests=("tests/adapters/test_durability.py", "-k", "as_it_comes"),
    ),
    mutant(
        "a server whose commits do not wait for the disk is taken",
        Edit(
            "adapters/postgres/durability.py",
            '("fsync", "full_page_writes", "synchronous_commit")',
            '("fsync", "full_page_writes")',
        ),
        tests=("tests/adapters/test_durability.py",),
    ),
)

CACHE: Final = (
    mutant(
        "the cache is overwritten whatever it holds",
        Edit(
            _REDIS,
            "  if not revision or #revision ~= 20 or revision <= string.sub(given, 3, 22) then\n",
            "  if true then\n",
        ),
        tests=(CACHES, "-k", "Redis and held_up"),
    ),
    mutant(
        "writers delete from the cache and readers fill it",
        Edit(
            _REDIS,
            "    redis.call('SET', key, given, 'PXAT', ARGV[1])\n",
            "    if revision and revision < string.sub(given, 3, 22) then redis.call('DEL', key)\n"
            "    else redis.call('SET', key, given, 'PXAT', ARGV[1]) end\n",
        ),
        tests=(CACHES, "-k", "Redis and newe"),
    ),
    mutant(
        "funds are checked in the cache",
        *_LEDGER_HAS_THE_CACHE,
        Edit(
            _POSTGRES,
            '        accounts = [account_of(each) for each in row["accounts"]]\n',
            '        accounts = [account_of(each) for each in row["accounts"]]\n'
            "        if self.cache is not None:\n"
            "            accounts = [await self.cache.get(*a.key) or a for a in accounts]\n",
        ),
        tests=("tests/http/test_cache_decides_nothing.py",),
    ),
)

TIME: Final = (
    mutant(
        "the date is that of the transaction's beginning",
        Edit(_LOCKING, "now_locked := clock_timestamp();", "now_locked := now();"),
        tests=(LEDGER, "-k", "dated"),
    ),
    mutant(
        "a day begins 24 hours after the one before",
        Edit(
            "wallet_core/clock.py",
            "    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)\n",
            "    day, hours = date.fromordinal(day.toordinal() - 1), datetime(2, 1, 2) - datetime(2, 1, 1)\n"
            "    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC) + hours\n",
        ),
        tests=("tests/properties/test_limits.py", IN_MEMORY, "-k", "day or window"),
    ),
    mutant(
        "a day is the server's and not the person's",
        Edit("wallet_core/clock.py", "moment.astimezone(ZoneInfo(time_zone)).date()", "moment.astimezone(UTC).date()"),
        tests=(IN_MEMORY, "-k", "day or month"),
    ),
)

CALLERS: Final = (
    mutant(
        "a client that leaves cancels its request",
        Edit("entrypoints/serving.py", "handler_cancellation=False", "handler_cancellation=True"),
        tests=("tests/outages/test_clients_that_leave.py", "-k", "before_the_movement"),
    ),
    mutant(
        "a caller that leaves cancels its batch",
        Edit(
            _BATCHING,
            "        if len(answers) == 1:\n",
            "        for each in answers:\n"
            "            each.add_done_callback(lambda f: f.cancelled() and [t.cancel() for t in self._under_way])\n"
            "        if len(answers) == 1:\n",
        ),
        tests=("tests/properties/test_batching.py", "-k", "goes_away"),
    ),
    mutant(
        "callers of one batch get each other's answers",
        Edit(_BATCHING, "zip(batch, outcomes, strict=True)", "zip(batch, reversed(outcomes), strict=True)"),
        tests=("tests/properties/test_batching.py", "-k", "belongs"),
    ),
    mutant(
        "a batch that failed for a fault is tried again",
        Edit(
            _BATCHING,
            "        except Fault as fault:\n            for",
            "        except ZeroDivisionError as fault:\n            for",
        ),
        tests=("tests/properties/test_batching.py", "-k", "fault"),
    ),
)

SECOND_FACTOR: Final = (
    mutant(
        "a code of an authenticator app is accepted twice",
        Edit(
            "sql/queries/second_factors.sql",
            "enabled_at IS NOT NULL AND (last_step IS NULL OR last_step < :step)",
            "enabled_at IS NOT NULL AND (last_step IS NULL OR last_step <= :step)",
        ),
        tests=(SECOND_FACTORS, "-k", "Postgres and step"),
    ),
    mutant(
        "a recovery code is accepted twice",
        Edit("sql/queries/second_factors.sql", "r.hash = :hash AND r.used_at IS NULL", "r.hash = :hash"),
        tests=(SECOND_FACTORS, "-k", "Postgres and recovery"),
    ),
    mutant(
        "a code is taken before its time",
        Edit("adapters/security/totp.py", "for step in range(present,", "for step in range(present + 1,"),
        tests=(SECOND_FACTORS, "-k", "Totp"),
    ),
    mutant(
        "sealed values can be exchanged between rows",
        Edit("adapters/security/sealing.py", 'return str(place).encode("utf-8")', 'return place.table.encode("utf-8")'),
        tests=("tests/contracts/test_sealing.py", "tests/adapters/test_sealing.py"),
    ),
    mutant(
        "much money moves without a fresh code",
        Edit(
            "wallet_core/identity/proofs.py",
            "        if await self._sessions.is_proved(active):\n            return True\n        anew",
            "        if active.proved_at is not None:\n            return True\n        anew",
        ),
        tests=("tests/core/test_second_factor.py", "-k", "much_money"),
    ),
)

OF_MONEY: Final = (*LOCKS, *RULES, *KEYS, *COMMITS, *CACHE, *TIME, *CALLERS)
MUTANTS: Final = (*OF_MONEY, *SECOND_FACTOR, *PROTECTION, *SESSIONS, *ADMINISTRATION)
