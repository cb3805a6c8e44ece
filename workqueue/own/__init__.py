"""The operator's own rules: files of one expression each, and validation scripts."""

from workqueue.own.folder import UNSET, Own, load
from workqueue.own.scripts import Script, findings

__all__ = ["UNSET", "Own", "Script", "findings", "load"]
