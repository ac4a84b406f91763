"""Looking back over more than a page may read: pages end short and go on, and nothing is left out."""

LONG_AGO = """
    INSERT INTO transactions (id, kind, status, user_id, currency, amount, source_account_id, source_wallet_id,
                              source_balance_after, destination_account_id, destination_wallet_id,
                              destination_balance_after, business_date, created_at, completed_at)
    SELECT gen_random_uuid(), 'deposit', 'COMPLETED', a.user_id, a.currency, n, gen_random_uuid(), gen_random_uuid(), 0,
           a.id, a.wallet_id, n, '2026-01-01', m.at, m.at
      FROM accounts a, generate_series(1, 4500) AS n,
           LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute' AS at) AS m
     WHERE a.wallet_id = $1
"""


async def test_a_filter_that_few_lines_pass_has_short_pages_that_lead_to_all_of_them(ada, owner):
    await owner.execute(LONG_AGO, ada.wallet_id)
    filters = {"max_amount": "0.03", "limit": "2"}
    pages, cursor = [], {}

    while cursor.get("cursor", "") is not None:
        answer = await ada.get(ada.own("/transactions"), query=filters | cursor)
        assert answer.status == 200, answer
        pages.append([line["amount"] for line in answer.body["data"]])
        cursor = {"cursor": answer.body["next_cursor"]}

    # Those of 0.01 to 0.03 are the oldest, behind thousands of others.
    assert pages == [[], [], ["0.03", "0.02"], ["0.01"]]


async def test_without_a_filter_every_page_is_full_to_the_end(ada, owner):
    await owner.execute(LONG_AGO, ada.wallet_id)
    lengths, cursor = [], {}

    while cursor.get("cursor", "") is not None:
        page = (await ada.get("/transactions", query={"limit": "200"} | cursor)).body
        lengths.append(len(page["data"]))
        cursor = {"cursor": page["next_cursor"]}

    assert lengths == [200] * 22 + [101]
