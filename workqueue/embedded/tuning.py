"""The server's configuration, scaled to the machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from workqueue.embedded.layout import PORT, Layout, write_private
from workqueue.embedded.programs import ServerUser
from workqueue.errors import WrongSetting

MB = 2**20
HBA = "local all all scram-sha-256\n"
SMALL_SHARED_MEMORY = 512 * MB

FIXED = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "wal_compression": "on",
    "autovacuum": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_line_prefix": "%m [%p] %u ",
    # One file a weekday, overwritten a week later: the logs never outgrow a week.
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}


def write_settings(
    layout: Layout, user: ServerUser, socket: Path, name: str, options: Mapping[str, str]
) -> None:
    """Write `postgres.conf` and `pg_hba.conf`; `options` come last and win.

    `name` is the server's cluster_name. Raises WrongSetting for an option that cannot be one.
    """
    settings = FIXED | _scaled(layout.home)
    settings["cluster_name"] = name
    settings["hba_file"] = str(layout.hba)
    settings["log_directory"] = str(layout.log)
    # A list of names, in which quotes protect blanks.
    settings["unix_socket_directories"] = '"' + str(socket) + '"'
    settings.update(options)
    lines = [f"{setting} = {_quoted(setting, value)}\n" for setting, value in settings.items()]
    # No secrets inside; the server user must be able to read it, which root's umask may forbid.
    mode = 0o644 if user.switched else 0o600
    write_private(layout.hba, HBA, mode)
    write_private(layout.settings, "".join(lines), mode)


def _quoted(setting: str, value: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_.]*", setting) or re.search(r"[\x00-\x1f]", value):
        raise WrongSetting(f"{setting!r} = {value!r} is not a setting of PostgreSQL.")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _scaled(home: Path) -> dict[str, str]:
    memory = _memory() // MB
    free = shutil.disk_usage(home).free // MB
    scaled = {
        "shared_buffers": f"{min(1024, max(128, memory // 8))}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "max_wal_size": f"{min(4096, max(256, free // 10))}MB",
    }
    # Containers often have 64 MB of shared memory, too little for one parallel query.
    shared = Path("/dev/shm")  # noqa: S108 - only measured
    if not shared.is_dir() or shutil.disk_usage(shared).total < SMALL_SHARED_MEMORY:
        scaled["dynamic_shared_memory_type"] = "mmap"
    return scaled


def _memory() -> int:
    # Bytes of the machine, or of the container's share of it.
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            memory = min(memory, int(Path(limit).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    return memory
