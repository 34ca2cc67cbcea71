"""Plans: what running a program needs flows in; bytes for the disk flow out, and the other way.

A plan has no graph: when a process finds the plan of a graph that it has just traced, it need not
simplify, fuse, place or write anything, only load the kernels.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sheer.compile.faults import endangered
from sheer.compile.program import Program
from sheer.graph import Graph, to_text
from sheer.graph.digest import digest

from ..ir.target import Target
from .driver import Driver, Encoder
from .kernels import kernel_keys, machine_key
from .threads import thread_count

_HEAD = struct.Struct("<q")         # bytes of the text in front
_ARRAYS = ("words", "slots", "in_slots", "in_kernels")


@dataclass
class Plan:
    """`returned[i]` says where result i is: ("input", which) is one that was written over;
    `endangered` are the inputs to put back when a kernel fails.
    """

    driver: Driver
    kernels: list[str]          # their keys
    hosts: list[str]            # bodies of host calls, as printed graphs
    returned: list[tuple[str, int]]
    endangered: list[int]
    peak: int                   # bytes of the arena

    @classmethod
    def of(cls, program: Program, encoder: Encoder, target: Target) -> Plan:
        """The plan of a program that has been encoded."""
        return cls(encoder.driver, kernel_keys(list(encoder.kernels.values()), target),
                   [to_text(body) for body in encoder.hosts],
                   [(s.where, s.at) for s in program.returned], list(endangered(program)),
                   program.peak_bytes)

    def pack(self) -> bytes:
        """As bytes: a line of JSON, the tables, the constants."""
        d = self.driver
        tables = [getattr(d, name).tobytes() for name in _ARRAYS]
        rest = {"kernels": self.kernels, "hosts": self.hosts, "returned": self.returned,
                "endangered": self.endangered, "peak": self.peak, "stoppable": d.stoppable,
                "numbers": d.numbers, "arguments": d.arguments, "scratches": d.scratches,
                "sizes": [len(t) for t in tables]}
        head = json.dumps(rest).encode()
        return b"".join([_HEAD.pack(len(head)), head, *tables, d.constants])

    @classmethod
    def unpack(cls, raw: bytes) -> Plan:
        """The plan that was packed."""
        at = _HEAD.size + _HEAD.unpack_from(raw)[0]
        head = json.loads(raw[_HEAD.size:at])
        tables = []
        for size in head["sizes"]:
            tables.append(np.frombuffer(raw, np.int64, size // 8, at))
            at += size
        words, slots, in_slots, in_kernels = tables
        driver = Driver(words, slots.reshape(-1, 2), in_slots, in_kernels, raw[at:],
                        head["stoppable"], head["numbers"], head["arguments"], head["scratches"])
        returned = [(where, place) for where, place in head["returned"]]
        return cls(driver, head["kernels"], head["hosts"], returned,
                   head["endangered"], head["peak"])


def plan_key(graph: Graph, donate: Mapping[int, int], target: Target) -> str:
    """Its name, equal for graphs whose plans are equal, in every process."""
    parts = digest(graph), str(sorted(donate.items())), str(thread_count()), machine_key(target)
    return f"program_{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:40]}"
