"""Where money moves: accounts, the commands that move it, and the decision whether it may.

`decide` is the rule book and pure; `Ledger` is the port behind which a decision is made durable; `BatchingLedger`
gathers commands so that many share one commit.
"""
