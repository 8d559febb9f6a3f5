"""The machine: processor, libraries of linear algebra, their threads, and the settings that choose between them.

Two machines round alike only where all of this is alike, so it belongs in every report of a deviation.
"""

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

SETTINGS = (
    *("MKL_CBWR", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY"),
    *("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES", "VECLIB_MAXIMUM_THREADS"),
)
"""Environment variables that change the order of sums, or which instructions compute them."""


def machine(torch: bool) -> dict[str, Any]:
    """The processor, the BLAS of NumPy and of PyTorch with their kernels and threads, and the settings that are set."""
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "numpy": _numpy(),
        "torch": _torch() if torch else None,
        "settings": {name: os.environ[name] for name in SETTINGS if os.environ.get(name)},
    }


def processor() -> str:
    """The name of the processor; its architecture where it has no name."""
    found = ""
    if platform.system() == "Linux":
        found = _named_in(Path("/proc/cpuinfo"))
    elif platform.system() == "Darwin":
        asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return found or platform.processor() or platform.machine() or "unknown"


def _named_in(cpuinfo: Path) -> str:
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    name = re.search(r"^(?:model name|Model|cpu)\s*:\s*(\S.*)$", text, re.MULTILINE)
    return " ".join(name[1].split()) if name else ""


def _numpy() -> dict[str, Any]:
    """The libraries in use, as they describe themselves; else the one that NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    built = config.get("Build Dependencies", {}).get("blas", {})
    used = [
        {
            "blas": f"{pool['internal_api']} {pool['version'] or ''}".strip(),
            "kernel": pool.get("architecture"),
            "threads": pool["num_threads"],
        }
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    unseen = {
        "blas": f"{built.get('name', 'unknown')} {built.get('version', '')}".strip(),
        "kernel": None,
        "threads": None,
    }
    return {"libraries": used or [unseen], "instructions": config.get("SIMD Extensions", {}).get("found", [])}


def _torch() -> dict[str, Any]:
    import torch

    built = torch.__config__.show()
    blas, mkl = re.search(r"BLAS_INFO=(\w+)", built), re.search(r"Math Kernel Library Version ([\d.]+)", built)
    return {
        "blas": f"{blas[1] if blas else 'unknown'} {mkl[1] if mkl else ''}".strip(),
        "kernel": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "threads_in_checks": 1,  # but for transformers' model: see `explorer.verify.runner`
    }


def in_words(found: dict[str, Any]) -> list[str]:
    """The same, a line each for the processor, for NumPy, for PyTorch and for the settings."""
    lines = [f"{found['processor']} · {found['architecture']} · {_count(found['cores'], 'core')} · {found['system']}"]
    instructions = ", ".join(found["numpy"]["instructions"])
    for library in found["numpy"]["libraries"]:
        lines.append(_library("NumPy", library) + (f" · {instructions}" if instructions else ""))
    if found["torch"]:
        checks = f", {found['torch']['threads_in_checks']} in checks" if found["torch"]["threads"] > 1 else ""
        lines.append(_library("PyTorch", found["torch"]) + checks)
    if found["settings"]:
        lines.append("set: " + " ".join(f"{name}={value}" for name, value in found["settings"].items()))
    return lines


def _library(name: str, library: dict[str, Any]) -> str:
    kernel = f" for {library['kernel']}" if library["kernel"] else ""
    threads = f" · {_count(library['threads'], 'thread')}" if library["threads"] else ""
    return f"{name}: {library['blas']}{kernel}{threads}"


def _count(number: int | None, what: str) -> str:
    return f"{number or '?'} {what}{'' if number == 1 else 's'}"
