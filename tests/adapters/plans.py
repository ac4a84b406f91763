"""How PostgreSQL means to carry out a query, and what of it is not by an index."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.postgres.queries import Query
from tests.adapters.busy_book import Connection

MODES: Final = ("force_custom_plan", "force_generic_plan")
"""A plan is made for the arguments at hand, or once for all: after five executions the server chooses."""

_SCANS_OF_AN_INDEX: Final = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
_FUNCTION: Final = """
SELECT prosrc AS source, proargnames[1:pronargs] AS names,
       ARRAY(SELECT format_type(kind, NULL) FROM unnest(proargtypes) WITH ORDINALITY AS t (kind, place) ORDER BY place)
           AS types
  FROM pg_proc WHERE proname = CAST($1 AS text)
"""
_STATEMENT_INTO: Final = re.compile(r"^ *(SELECT [^;]*?) INTO (\w+)\n([^;]*);", re.MULTILINE)
_TABLES_OF_INDEXES: Final = """
SELECT i.relname AS index, t.relname AS table
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
 WHERE t.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The nodes of a plan, as EXPLAIN tells of them."""

    nodes: Sequence[Mapping[str, Any]]

    @property
    def indexes(self) -> frozenset[str]:
        """What is looked up in, or read in order from some place on."""
        return frozenset(node["Index Name"] for node in self._index_scans() if "Index Cond" in node)

    def read_whole(self, table_of_index: Mapping[str, str]) -> frozenset[str]:
        """The tables that are read from end to end, by themselves or by an index that nothing is looked up in."""
        tables = {node["Relation Name"] for node in self.nodes if node["Node Type"] in ("Seq Scan", "Sample Scan")}
        walked = {node["Index Name"] for node in self._index_scans() if "Index Cond" not in node}
        return frozenset((tables | {table_of_index.get(index, "") for index in walked}) & set(table_of_index.values()))

    @property
    def rows_read(self) -> int:
        """How many rows the scans met, wanted or not. Of a plan that was carried out."""
        return sum(
            round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
            for node in self.nodes
            if "Relation Name" in node
        )

    @property
    def blocks_read(self) -> int:
        """How many blocks of 8 KB were looked at, in memory or not. Of a plan that was carried out."""
        return int(self.nodes[0]["Shared Hit Blocks"] + self.nodes[0]["Shared Read Blocks"])

    def _index_scans(self) -> Iterator[Mapping[str, Any]]:
        # What was never begun reads nothing: a branch that this query has no use for.
        return (n for n in self.nodes if n["Node Type"] in _SCANS_OF_AN_INDEX and n.get("Actual Loops", 1))


async def plan_of(
    connection: Connection, sql: str, arguments: Sequence[object], *, mode: str, carry_out: bool = False
) -> Plan:
    """The plan for a statement and these arguments. `mode` is one of MODES."""
    types = [parameter.name for parameter in (await connection.prepare(sql)).get_parameters()]
    literals = [
        await connection.fetchval(f"SELECT quote_nullable(CAST(CAST($1 AS {kind}) AS text))", argument)
        for kind, argument in zip(types, arguments, strict=True)
    ]
    asked = f"EXECUTE explained({', '.join(literals)})" if literals else "EXECUTE explained"
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE explained AS {sql}")
    try:
        options = "ANALYZE, BUFFERS, FORMAT JSON" if carry_out else "FORMAT JSON"
        explained = await connection.fetchval(f"EXPLAIN ({options}) {asked}")
    finally:
        await connection.execute("DEALLOCATE explained")
    return Plan(list(_nodes(json.loads(explained)[0]["Plan"])))


async def statements_of(connection: Connection, function: str) -> Mapping[str, Query]:
    """The statements within a plpgsql function that select into something, by what that is called."""
    row = await connection.fetchrow(_FUNCTION, function)
    assert row is not None
    types = dict(zip(row["names"], row["types"], strict=True))
    found = {}
    for selected, into, rest in _STATEMENT_INTO.findall(row["source"]):
        sql = f"{selected}\n{rest}"
        names = [name for name in types if re.search(rf"\b{name}\b", sql)]
        for number, name in enumerate(names, 1):
            sql = re.sub(rf"\b{name}\b", f"CAST(${number} AS {types[name]})", sql)
        found[into] = Query(f"{function}.{into}", sql, tuple(names))
    return found


async def tables_of_indexes(connection: Connection) -> Mapping[str, str]:
    """Which table each index is of."""
    return {row["index"]: row["table"] for row in await connection.fetch(_TABLES_OF_INDEXES)}


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
