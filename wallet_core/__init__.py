"""A ledger core for peer-to-peer wallets: what moves money, and the rules it moves by.

Pure Python on the standard library. The folders are the bounded contexts: `ledger` (accounts, limits, decisions),
`wallets` (what a person sees and does), `identity` (who they are) and `payments` (the way in and out).
`testing` ships in-memory adapters and the contract suites that every adapter must pass.
"""
