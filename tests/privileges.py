"""Writes docs/privileges.md from the running tables: `python -m tests.privileges`."""

from pathlib import Path

from auth import policy
from auth.policy import Act, MedicineClass, Needs, Role
from cabinet.wording import ROLES

FILE = Path(__file__).parent.parent / "docs" / "privileges.md"
ACTS = {
    Act.REMOVE: "remove by an order",
    Act.OVERRIDE: "remove without an order",
    Act.GIVE: "say it was given",
    Act.WASTE: "waste",
    Act.RETURN: "return",
    Act.WITNESS: "witness",
    Act.LOAD: "load",
    Act.COUNT: "count",
    Act.EMPTY_RETURN_BIN: "empty the return bin",
    Act.RESOLVE: "resolve a discrepancy",
    Act.RECOVER_DRAWER: "recover a drawer that failed",
    Act.INVITE: "issue a code to enrol with",
    Act.ENROL: "stand by an enrolment",
    Act.LOAD_FINGERS: "load kept fingers into another sensor",
    Act.SUPERVISE: "supervise a sign-in without the finger sensor",
    Act.RELEASE: "let a locked-out person try again",
    Act.ADMIT: "let a service technician in",
    Act.ADMINISTER: "administer people",
    Act.GRANT: "give override, pharmacist or administrator rights",
    Act.TEMPORARY: "make a temporary user",
    Act.BREAK_GLASS: "break the glass",
    Act.CRITICAL_OVERRIDE: "declare a critical override",
    Act.REVIEW: "read reports",
    Act.VERDICT: "judge what was taken without an order",
    Act.SERVICE: "work at the maintenance console",
    Act.RECOVER: "accept a ledger that was rolled back",
}
HEAD = """# Who may do what

Made from the tables that run (`auth/policy.py`) by `python -m tests.privileges`; tests hold this
file to them, and every cell to a table written by hand (`tests/test_privileges.py`).

A privilege is an act, a security group of medicine and an area. A person may do something when all
of this holds at the moment of the act, not only at sign-in: they are active (not suspended, expired
or gone), their role has the act, their areas name the cabinet's (`*` is everywhere), their groups
name the medicine's where the act reaches into its pocket, they have the competencies the site asks
for it, and they proved by enough factors who they are. Nobody has anything by default: what no
table gives is refused, with a record.

A site gives people other groups than their role brings, and areas, by the staff list or at the
screen. What gives power (the pharmacist's and the administrator's role, rights to remove without an
order, group by group) two administrators give at the screen (`staff-lists.md`). The lists that a
cabinet is set up with (`cabinet import`) may name a new pharmacist, but that alone gives nothing:
nobody enrols without the one-time code that an administrator issues to them at the screen.
"""
GROUPS = """
## Which security groups a role reaches by itself

A is schedule II, B is III, C is IV, D is V, E is not scheduled; the formulary's column `group` says
otherwise. F is kept for anaesthesia, G and H are a site's own. Whoever holds a dose may say what
became of it, also after they lost its group. Groups count for these acts:

{reaching}.
"""
NEEDS = """
## What proves it

The least that is asked, for medicines not scheduled / schedules III to V / schedule II: how many
kinds of factor (know, are, have; a finger alone never counts), and whether a second person proves
who they are inside the act (W) and a reason is given (R). Signing in takes a badge and a finger or
PIN whatever is done later. "Unless the site says otherwise" is a default beyond the least.
"""
SITE = """
## A site's own rows

`cabinet.toml` may ask for more, never for less; what would be less is refused at start with the
text in the last column above. What a row leaves out it leaves alone. A second person can be asked
besides for a removal by or without an order, a return, a load, a count and break-glass; a reason,
from a list, for a removal by an order, a return and a waste. Any other row is refused, as no
screen would ask for it.

    [[policy]]
    act = "count"               # as in the tables above, in code letters
    class = "none"              # none, controlled (III to V) or CII; left out: any
    role = "nurse"              # left out: any
    witness = true              # a second person

    [[policy]]
    act = "remove"              # the second person sees what is taken, before the drawer opens
    class = "CII"
    witness = true
    reason = true               # and why, from a list

    [[policy]]
    act = "administer"
    kinds = 2                   # of factor
    strong = true               # an authenticator app or security key besides

    [[training]]
    competency = "intravenous"  # as people's competencies name it
    acts = ["remove", "waste"]  # for which it must not have ended; remove: also without an order
"""
ATTACKS = (
    (
        "suspended between press and pulse",
        "rights are asked beside the order to open",
        "stopped",
    ),
    (
        "suspended between pulse and pull",
        "the access is called off; pulling is a forced opening",
        "stopped",
    ),
    ("expiry in mid-session", "refused at the next press, out at the next tick", "stopped"),
    (
        "the clock set back to revive somebody",
        "expiry is told by the later of clock and newest entry",
        "stopped",
    ),
    (
        "the clock set back to revive an order, or stock past its date",
        "ends are told by the later of clock and newest entry",
        "clock_set_back",
    ),
    ("one human with two accounts as a witness", "the number of the human being", "rights"),
    ("another area, group or role in mid-session", "asked anew at each act", "rights"),
    ("a list that promotes, or binds administrators", "refused, with the row", "life_cycle"),
    ("a promotion between a code and its enrolment", "refused, with the row", "life_cycle"),
    ("a leaver's number for somebody else", "refused, with the row", "life_cycle"),
    ("a site that asks less than the floor", "refused at start, with the text", "site_policy"),
    ("a site that asks what no screen can ask", "refused at start", "site_policy"),
    ("one person opens what the site opens by two", "asked beside the pulse", "witnessed_opening"),
    ("any sequence of events", "a reader who knows only the entries", "two_people"),
)


def mark(yes: bool) -> str:
    return "x" if yes else ""


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def asked(needs: Needs) -> str:
    """ "2 W R"."""
    letters = [("S", needs.strong), ("W", needs.witness), ("R", needs.reason)]
    return " ".join([str(needs.kinds), *(letter for letter, yes in letters if yes)])


def who() -> str:
    """Act by role."""
    names = [ROLES[role.value] for role in Role]
    lines = ["## Which role may do what\n", row("act", "", *names), "|---" * (len(names) + 2) + "|"]
    for act in Act:
        cells = [mark(policy.may(role, act)) for role in Role]
        lines.append(row(ACTS[act], f"`{act.value}`", *cells))
    return "\n".join(lines)


def groups() -> str:
    """Role by group."""
    lines = [row("role", *policy.GROUPS), "|---" * (len(policy.GROUPS) + 1) + "|"]
    for role in Role:
        cells = [mark(group in policy.ROLE_GROUPS[role]) for group in policy.GROUPS]
        lines.append(row(ROLES[role.value], *cells))
    return "\n".join(lines)


def proofs() -> str:
    """Act by class."""
    lines = [row("act", "not scheduled", "III to V", "II", "text"), "|---|---|---|---|---|"]
    for act in Act:
        cells = [asked(policy.floor(act, each, Role.NURSE)) for each in MedicineClass]
        cites = dict.fromkeys(it.cite for it in policy.FLOOR if it.act is act)
        more = [it for it in policy.DEFAULT if it.act is act]
        said = "; ".join(cites)
        for it in more:
            letters = asked(Needs(0, bool(it.strong), bool(it.witness), bool(it.reason)))[2:]
            said += f"; and {letters} unless the site says otherwise"
        lines.append(row(ACTS[act], *cells, said))
    return "\n".join(lines)


def attacks() -> str:
    """Attack by test."""
    lines = ["## Attacks on this, and the tests that play them\n"]
    lines += [row("attack", "what stops it", "test"), "|---|---|---|"]
    lines += [row(*said, f"`test_{file}.py`") for *said, file in ATTACKS]
    return "\n".join(lines)


def text() -> str:
    """The whole file."""
    reaching = ", ".join(ACTS[act] for act in policy.REACHING)
    parts = (
        HEAD,
        who(),
        GROUPS.format(reaching=reaching),
        groups(),
        NEEDS,
        proofs(),
        SITE,
        attacks(),
    )
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
