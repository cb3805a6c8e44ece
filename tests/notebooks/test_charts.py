"""Every chart drawn by Chromium, offline: on weeks of work, on one day, and on nothing."""

from __future__ import annotations
