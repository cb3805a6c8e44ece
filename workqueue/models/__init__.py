"""The tables of WorkQueue as SQLAlchemy models; the migrations in `migrations/` build them."""

from workqueue.models.base import Base
from workqueue.models.changes import NppesDeactivation, ProviderFormerKeys
from workqueue.models.items import QueueType, Rule, WorkAction, WorkItem, WorkItemProvider
from workqueue.models.logins import LoginLink, LoginSession, LoginThrottle, UserPassword
from workqueue.models.providers import (
    NAME_SEARCH,
    ColumnSet,
    IndividualProvider,
    ProviderOverride,
    ProviderSource,
    ProviderSourceHistory,
    Source,
)
from workqueue.models.runs import (
    DetectionRun,
    DetectionRunRule,
    IntakeReject,
    IntakeRun,
    ReferenceEntry,
    ReferenceList,
)
from workqueue.models.users import SecurityEvent, User

__all__ = [
    "NAME_SEARCH",
    "Base",
    "ColumnSet",
    "DetectionRun",
    "DetectionRunRule",
    "IndividualProvider",
    "IntakeReject",
    "IntakeRun",
    "LoginLink",
    "LoginSession",
    "LoginThrottle",
    "NppesDeactivation",
    "ProviderFormerKeys",
    "ProviderOverride",
    "ProviderSource",
    "ProviderSourceHistory",
    "QueueType",
    "ReferenceEntry",
    "ReferenceList",
    "Rule",
    "SecurityEvent",
    "Source",
    "User",
    "UserPassword",
    "WorkAction",
    "WorkItem",
    "WorkItemProvider",
]
