"""Every label and message of the desk, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

from dashboard.view import MINE
from workqueue.inbox import Order
from workqueue.lifecycle import Status, Verb

TITLE: Final = "WorkQueue"
DETECTION_TITLE: Final = f"Detection · {TITLE}"
Pages: TypeAlias = tuple[tuple[str, str], ...]
# The pages of one server: address and name.
PAGES: Final[Pages] = (("queue", "Queue"), ("detection", "Detection"))
DASH: Final = "—"

STATUS: Final = MappingProxyType(
    {
        Status.OPEN.value: "Open",
        MINE: "In progress: mine",
        Status.IN_PROGRESS.value: "In progress: all",
        Status.RESOLVED.value: "Resolved",
        Status.REJECTED.value: "Rejected",
    }
)
ORDER: Final = MappingProxyType(
    {
        Order.PRIORITY: "By priority",
        Order.PRIORITY_REVERSED: "Low priority first",
        Order.OLDEST: "Oldest first",
        Order.NEWEST: "Newest first",
    }
)
PRIORITY: Final = MappingProxyType({1: "P1 high", 2: "P2", 3: "P3 normal", 4: "P4", 5: "P5 low"})
VERB: Final = MappingProxyType(
    {
        Verb.CREATE.value: "opened it",
        Verb.REFRESH.value: "saw new evidence",
        Verb.CURE.value: "saw that the problem is gone",
        Verb.RECUR.value: "saw the problem again",
        Verb.CLOSE.value: "closed it",
        Verb.REVIVE.value: "opened it again",
        Verb.EXPIRE.value: "ended the claim, its time was over",
        Verb.CLAIM.value: "claimed it",
        Verb.RELEASE.value: "released it",
        Verb.ASSIGN.value: "assigned it",
        Verb.SET_PRIORITY.value: "changed the priority",
        Verb.COMMENT.value: "commented",
        Verb.FIELD_UPDATE.value: "corrected",
        Verb.MARK_DUPLICATE.value: "marked a duplicate",
        Verb.RESOLVE.value: "resolved it",
        Verb.REJECT.value: "rejected it",
        Verb.REOPEN.value: "reopened it",
    }
)

# Keys, what they do, in the order in which the help lists them.
KEYS: Final = (
    ("n", "Take the next item"),
    ("j", "Down one row"),
    ("k", "Up one row"),
    ("c", "Claim the open item"),
    ("e", "Correct the first faulty field"),
    ("s", "Save what is typed"),
    ("r", "Save and resolve"),
    ("x", "Reject"),
    ("l", "Release"),
    ("o", "Reopen"),
    ("m", "Write a comment or reason"),
    ("d", "Mark as duplicate"),
    ("]", "Next page"),
    ("[", "Previous page"),
    ("/", "Search"),
    ("f", "Show or hide the filters"),
    ("u", "Show what is new"),
    ("t", "Light or dark"),
    ("Ctrl ⏎", "In a field: save and resolve, or finish the rejection"),
    ("Esc", "Leave a field, or close the item"),
    ("?", "Show these keys"),
)

DETECTION_KEYS: Final = (
    ("d", "Run detection now"),
    ("t", "Light or dark"),
    ("Esc", "Close what is shown beside the rules"),
    ("?", "Show these keys"),
)

# What a run does at each step, by its name and how many parts are done.
STEPS: Final = MappingProxyType(
    {
        ("detect", 0): "Reading the records",
        ("detect", 1): "Asking the rules",
        ("detect", 2): "Comparing the records with each other",
        ("detect", 3): "Writing the items",
        ("detect", 4): "Writing the items",
    }
)

# Texts of the component that lives in the browser.
BRIDGE: Final = MappingProxyType(
    {
        "keep": "Keep it",
        "ending": "Your claim ends in",
        "offline": "The connection to the server is lost. What you typed stays on this page; copy "
        "it before you reload.",
        "reload": "Reload",
        "dismiss": "Dismiss",
        "keys": "Keys",
        "single": "Single keys act (switch off if you dictate or use other aids)",
        "close": "Close",
        "table": "Work items",
        "record": "Record and history",
    }
)

LEFT_OUT: Final = "The link was not quite right."
GONE: Final = "There is no item {id}. Was it mistyped? The list has what there is."

_TOLD: Final = MappingProxyType(
    {
        "nothing_typed": "Nothing to save: type a new value or a comment first.",
        "reason_needed": "To {verb}, say why in “Comment or reason” first.",
        "unsaved": "There are corrections that are not saved: save them first (S), or empty them.",
        "record_needed": "Type the number or the NPI of a record that this one is the same as.",
        "record_many": "Several records have this NPI: type the number of the one that is meant.",
        "no_record": "No record has this number or NPI.",
        "taken_away": "Your claim on item {id} was ended by {who}. What you typed is still here.",
        "comment_stays": "Your comment is not saved: it stays in the form, Comment keeps it.",
        "nothing_left": "Nothing else in this view waits: well done.",
        "unforeseen": "Something went wrong on the server. Nothing you typed is lost. If it "
        "happens again, tell your administrator the number {number}.",
        "claim_ended": "Your claim on this item has ended. What you typed is still here: claim it "
        "again to go on.",
        "not_now": "{verb} is not possible with item {id} now: {why}",
        "closed": "it is {status}. Reopen it first (O).",
        "yours": "you hold it already.",
        "held": "{who} holds it.",
        "claim_first": "claim it first (C).",
        "held_by": "Holder: {who}",
        "run_asked": "Run {number} is asked for.",
        "run_merged": "Run {number} waits already and answers this request too.",
        "run_done": "Run {number} is done: {new:,} new items, {closed:,} closed, {open:,} open.",
        "run_failed": "Run {number} failed: {why}",
        "no_worker": "No worker is running: it waits until one is started.",
        "may_not_detect": "Your role, {role}, may not run detection or try rules; a manager may.",
        "no_login": "Sign in to see the queue.",
        "cured": "The problem is gone. Resolve to confirm.",
    }
)


def told(key: str, **words: object) -> str:
    """The message of this key with its words."""
    return _TOLD[key].format(**words)


def sentence(words: str) -> str:
    """Words with a capital first letter: refusals begin small, since other words may go before."""
    return words[:1].upper() + words[1:]


def day(moment: datetime | None) -> str:
    """A moment as a date, UTC; a dash for none."""
    return f"{moment:%Y-%m-%d}" if moment else DASH


def minute(moment: datetime | None) -> str:
    """A moment to the minute, UTC; a dash for none."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else DASH


def age(moment: datetime, now: datetime) -> str:
    """How long ago a moment was, in its largest unit: 3 min, 5 h, 12 d, 4 mo, 3 y."""
    past = max(now - moment, timedelta(0))
    hours, days = past // timedelta(hours=1), past.days
    if hours < 1:
        return f"{past // timedelta(minutes=1)} min"
    if days < 1:
        return f"{hours} h"
    if days < 100:
        return f"{days} d"
    return f"{days // 30} mo" if days < 730 else f"{days // 365} y"


def step(name: str, done: int) -> str:
    """What a run is doing, in words."""
    return STEPS.get((name, done), name.replace("_", " ").capitalize() or "Beginning")


def span(seconds: float) -> str:
    """How long something took: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def phone(text: str) -> str:
    """Ten digits as a US number; anything else as it is."""
    if len(text) == 10 and text.isascii() and text.isdigit():
        return f"({text[:3]}) {text[3:6]}-{text[6:]}"
    return text


def zip_code(text: str) -> str:
    """Nine digits as ZIP+4; anything else as it is."""
    return f"{text[:5]}-{text[5:]}" if len(text) == 9 and text.isdigit() else text
