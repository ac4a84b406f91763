"""What a run must have met to be worth anything."""

from collections.abc import Collection

from tests.model.operations import Kind
from tests.model.runs import DECLINED_SHARE_MAX, DECLINED_SHARE_MIN, Report
from wallet_core.ledger.outcomes import Reason

ALWAYS = (
    Kind.DEPOSIT.value,
    Kind.WITHDRAW.value,
    "transfer by id",
    "transfer by address",
    "replays of movements",
    "replays of refusals",
    "refusals beyond those of a day that are kept",
    "SignUp email_taken",
    "OpenWallet wallet_name_taken",
    "OpenWallet too_many_wallets",
    "HoldCurrency currency_held",
    "LowerLimits limit_too_high",
    "SetStanding done",
    "MakeDefault done",
    "ChangePerson done",
    "Look done",
)


def missing(report: Report, also: Collection[str] = ()) -> list[str]:
    """What should have happened and did not: every reason for a refusal, every kind of operation, replays."""
    met = {**report.operations, **report.outcomes, **report.notes}
    wanted = [*(reason.value for reason in Reason), *ALWAYS, *also]
    found = [f"never: {name}" for name in wanted if not met.get(name)]
    if not DECLINED_SHARE_MIN <= report.declined_share <= DECLINED_SHARE_MAX:
        found.append(f"{report.declined_share:.0%} of the movements were refused")
    return found
