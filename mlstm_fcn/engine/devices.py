"""What this machine computes fast."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_FAST_MATRIX_FLAGS = {"avx512_bf16", "amx_bf16", "amx_tile"}


@cache
def cpu_flags() -> frozenset[str]:
    """Instruction sets of the CPU by Linux' names; empty where the system does not tell."""
    try:
        lines = _CPU_INFO.read_text().splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(flags.partition(":")[2].split())


def has_fast_convolutions() -> bool:
    """Whether the CPU multiplies matrices so fast that copies around a convolution cost more than it does.

    These are CPUs with AVX512-BF16 or AMX: Zen 4 and 5, Sapphire Rapids and their followers.
    """
    return bool(fast_flags())


def fast_flags() -> frozenset[str]:
    """Flags of the CPU that tell of fast matrices in 16 bits."""
    return cpu_flags() & _FAST_MATRIX_FLAGS
