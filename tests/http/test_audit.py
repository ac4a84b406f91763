"""The audit over HTTP: who did what to whom, when and why, as pages and as a table."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.http.clients import NOBODY, sign_up


async def freeze(admin, person, reason="Because", verb="freeze"):
    answer = await admin.post(f"/admin/wallets/{person.wallet_id}/{verb}", {"reason": reason})
    assert answer.status == 200, answer


async def entries(admin, **query):
    answer = await admin.get("/admin/audit", query=query)
    assert answer.status == 200, answer
    return answer.body["data"]


async def table(admin, **query):
    """The rows of the table, by the names of its columns."""
    headers = {"Authorization": f"Bearer {admin.token}"}
    async with admin.api.client.get("/admin/audit.csv", params=query, headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return list(csv.DictReader(io.StringIO(await response.text())))


async def test_an_entry_tells_who_did_what_to_whom_when_and_why(ada, admin):
    began = datetime.now(UTC)
    body = {"reason": "  Asked for by the police "}
    await admin.post(f"/admin/wallets/{ada.wallet_id}/freeze", body, headers={"X-Request-Id": "case-7"})

    (entry,) = await entries(admin)

    assert began - timedelta(seconds=5) < datetime.fromisoformat(entry["at"]) < began + timedelta(minutes=1)
    assert (entry["actor_kind"], entry["actor_id"], entry["session_id"]) == ("admin", admin.id, admin.session_id)
    assert (entry["request_id"], entry["reason"]) == ("case-7", "Asked for by the police")
    assert (entry["action"], entry["target_kind"], entry["target_id"]) == ("wallet.frozen", "wallet", ada.wallet_id)
    assert (entry["user_id"], entry["before"]) == (ada.id, {"status": "active"})
    assert entry["after"]["status"] == "frozen"
    assert list(entry["after"]["accounts"].values()) == [1]


async def test_what_people_do_about_themselves_is_theirs(ada, admin):
    await ada.post("/me/deactivate", {"reason": "I need it no more"})

    (entry,) = await entries(admin)

    assert (entry["actor_kind"], entry["actor_id"], entry["user_id"]) == ("person", ada.id, ada.id)
    assert (entry["action"], entry["reason"]) == ("person.deactivated", "I need it no more")


async def test_the_last_change_comes_first_page_by_page(ada, admin):
    for number in range(5):
        await freeze(admin, ada, f"Step {number}", "unfreeze" if number % 2 else "freeze")

    first = await admin.get("/admin/audit", query={"limit": "3"})
    second = await admin.get("/admin/audit", query={"limit": "3", "cursor": first.body["next_cursor"]})

    shown = [entry["reason"] for answer in (first, second) for entry in answer.body["data"]]
    assert shown == [f"Step {number}" for number in (4, 3, 2, 1, 0)]
    assert second.body["next_cursor"] is None


async def test_a_cursor_belongs_to_its_list_and_its_filters(ada, admin):
    await freeze(admin, ada)
    await freeze(admin, ada, verb="unfreeze")
    cursor = (await admin.get("/admin/audit", query={"limit": "1"})).body["next_cursor"]

    filtered = await admin.get("/admin/audit", query={"cursor": cursor, "action": "wallet.frozen"})
    elsewhere = await admin.get("/admin/users", query={"cursor": cursor})
    invented = await admin.get("/admin/audit", query={"cursor": "x"})

    assert {each.refused for each in (filtered, elsewhere, invented)} == {(400, "invalid_cursor")}


async def test_each_filter_leaves_what_fits_it(ada, bob, admin):
    await freeze(admin, ada, "First")
    await admin.post(f"/admin/users/{bob.id}/deactivate", {"reason": "Second"})
    today, tomorrow = (datetime.now(UTC) + timedelta(days=days) for days in (0, 2))

    async def found(**query):
        return [entry["reason"] for entry in await entries(admin, **query)]

    assert await found(actor_id=admin.id) == ["Second", "First"]
    assert await found(actor_id=ada.id) == []
    assert await found(actor_kind="operator") == []
    assert await found(action="wallet.frozen") == ["First"]
    assert await found(target_id=ada.wallet_id) == ["First"]
    assert await found(user_id=bob.id) == ["Second"]
    assert await found(**{"from": (today - timedelta(days=1)).date().isoformat()}) == ["Second", "First"]
    assert await found(**{"from": tomorrow.date().isoformat()}) == []
    assert await found(to=(today - timedelta(days=2)).date().isoformat()) == []
    assert await found(action="wallet.frozen", user_id=NOBODY) == []


@pytest.mark.parametrize(
    "query",
    [
        {"actor_kind": "nobody"},
        {"actor_id": "x"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"limit": "201"},
        {"reason": "x"},
    ],
)
async def test_a_filter_that_means_nothing_is_refused(admin, query):
    answer = await admin.get("/admin/audit", query=query)

    assert answer.status == 400


async def test_the_table_has_what_the_pages_have(ada, bob, admin):
    await freeze(admin, ada, "First, with a comma\N{SNOWMAN}")
    await admin.post(f"/admin/users/{bob.id}/deactivate", {"reason": 'Second "so called"'})

    rows, shown = await table(admin), await entries(admin)
    filtered = await table(admin, action="wallet.frozen")

    assert list(rows[0]) == list(shown[0])
    for name in ("id", "at", "actor_id", "action", "target_id", "user_id", "reason"):
        assert [row[name] for row in rows] == [entry[name] for entry in shown]
    assert rows[1]["before"] == '{"status": "active"}'
    assert [row["id"] for row in filtered] == [shown[1]["id"]]


async def test_the_table_is_whole_however_long_it_is(ada, admin, owner):
    await freeze(admin, ada)
    await owner.execute(
        "INSERT INTO audit (id, at, actor_kind, action, target_kind, target_id, reason) "
        "SELECT gen_random_uuid(), now(), 'operator', 'delivery.retried', 'delivery', n::text, 'Because' "
        "FROM generate_series(1, 1200) AS n"
    )

    rows = await table(admin)

    assert len(rows) == 1201
    assert len({row["id"] for row in rows}) == 1201
    assert rows[-1]["action"] == "wallet.frozen"


@pytest.mark.parametrize("formula", ["=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(A1:A2)", "\N{FULLWIDTH EQUALS SIGN}1"])
async def test_row_66_no_cell_of_the_table_is_a_formula(ada, admin, formula):
    """Row 66."""
    await admin.post(f"/admin/wallets/{ada.wallet_id}/freeze", {"reason": formula}, headers={"X-Request-Id": "=1+1"})

    (row,) = await table(admin)

    assert row["reason"] == f"'{formula}"
    assert row["request_id"] == "'=1+1"
    assert (await entries(admin))[0]["reason"] == formula


async def test_nobody_else_reads_any_of_it(ada, admin, api):
    await freeze(admin, ada)

    refused = [await ada.get(path) for path in ("/admin/audit", "/admin/audit.csv", "/v1/admin/audit.csv")]
    nobody = await api.call("GET", "/admin/audit")

    assert {answer.refused for answer in refused} == {(403, "forbidden")}
    assert nobody.refused == (401, "unauthorized")


@pytest.mark.parametrize("table_name", ["audit", "audit_seals"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}"])
async def test_row_74_the_application_has_no_right_to_change_it(pool, table_name, change):
    """Row 74."""
    assert await pool.fetchval("SELECT current_setting('is_superuser')") == "off"
    columns = {"audit": "reason = 'another'", "audit_seals": "seq = seq + 1"}

    with pytest.raises(Exception, match="permission denied"):
        await pool.execute(change.format(table_name, columns[table_name]))


@pytest.mark.parametrize("table_name", ["audit", "audit_seals"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_the_owner_changes_it_unawares(owner, table_name, change):
    columns = {"audit": "reason = 'another'", "audit_seals": "seq = seq + 1"}

    with pytest.raises(Exception, match="is append-only"):
        await owner.execute(change.format(table_name, columns[table_name]))


async def test_people_are_looked_up_page_by_page(ada, bob, admin):
    carol = await sign_up(admin.api, "Carol Shaw")

    first = await admin.get("/admin/users", query={"limit": "3"})
    second = await admin.get("/admin/users", query={"limit": "3", "cursor": first.body["next_cursor"]})

    ids = [user["id"] for answer in (first, second) for user in answer.body["data"]]
    assert ids == sorted([ada.id, bob.id, admin.id, carol.id], reverse=True)
    assert second.body["next_cursor"] is None


async def test_people_are_found_by_what_is_known_of_them(ada, bob, admin):
    await admin.post(f"/admin/users/{bob.id}/deactivate", {"reason": "Because"})

    async def found(**query):
        answer = await admin.get("/admin/users", query=query)
        assert answer.status == 200, answer
        return [user["id"] for user in answer.body["data"]]

    assert await found(q="ADA") == [ada.id]
    assert await found(q=ada.email.upper()) == [ada.id]
    assert await found(status="deactivated") == [bob.id]
    assert await found(role="admin") == [admin.id]
    assert await found(q="%") == []
    assert await found(q="' OR 1=1 --") == []


async def test_one_person_is_shown_with_their_wallets(ada, admin):
    savings = await ada.open_wallet(name="Savings", currency="EUR")

    shown = await admin.get(f"/admin/users/{ada.id}")

    assert (shown.status, shown.body["email"]) == (200, ada.email)
    assert [wallet["id"] for wallet in shown.body["wallets"]] == [ada.wallet_id, savings]
    assert shown.body["wallets"][0]["balances"][0]["balance"] == "500.00"
    assert (await admin.get(f"/admin/users/{NOBODY}")).refused == (404, "not_found")


async def test_what_somebody_did_is_shown_as_they_see_it(ada, bob, admin):
    await ada.pay(bob, "1.00", note="Lunch")
    path = f"/admin/users/{ada.id}/transactions"

    shown = await admin.get(path)
    filtered = await admin.get(path, query={"type": "deposit"})
    elsewhere = await admin.get(path, query={"wallet_id": bob.wallet_id})

    assert shown.body == (await ada.get("/transactions")).body
    assert [line["type"] for line in filtered.body["data"]] == ["deposit"]
    assert elsewhere.refused == (404, "not_found")
    assert (await admin.get(f"/admin/users/{NOBODY}/transactions")).refused == (404, "not_found")
