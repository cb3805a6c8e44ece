"""Generates provider files with planted defects and a known truth, for trying out and measuring.

The generator shares no code with the rules that look for the defects: what it calls a defect it
decides for itself, so that a test can compare two independent opinions.
"""

from __future__ import annotations

from workqueue.demo.nppes_file import DemoFile, generate
from workqueue.demo.own_source import generate_own_source
from workqueue.demo.taxonomy_list import write_taxonomy_list

__all__ = ["DemoFile", "generate", "generate_own_source", "write_taxonomy_list"]
