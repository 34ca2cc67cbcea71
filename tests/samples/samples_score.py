"""The score: every shared name over its samples; verdicts flow in, a table flows out.

`python tests/samples/samples_score.py` runs everything and writes docs/torch-samples.md.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from samples_modules import MODULES, SHARED_MODULES
from samples_operators import CASES, SHARED
from samples_optimizers import OPTIMIZERS, SHARED_OPTIMIZERS
from samples_run import Verdict, run

import sheer

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "torch-samples.md"
FAMILIES = {"operators": (CASES, SHARED), "modules": (MODULES, SHARED_MODULES),
            "optimizers": (OPTIMIZERS, SHARED_OPTIMIZERS)}


def known(kind: str) -> dict[tuple[str, str], str]:
    """(name, code) -> why, of the committed list of refusals or of differences."""
    entries = tomllib.loads((HERE / "known.toml").read_text(encoding="utf-8"))[kind]
    return {(name, entry["code"]): entry["why"] for entry in entries for name in entry["names"]}


@dataclass
class Score:
    """Verdicts of one family of names."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: dict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter))
    failures: list[str] = field(default_factory=list)

    def add(self, name: str, what: str, verdict: Verdict) -> None:
        """Count a verdict; a failure on the list of differences is one on purpose."""
        kind = verdict.kind
        if kind == "failed" and (name, verdict.code) in known("differs"):
            kind = "differs"
        self.counts[kind] += 1
        if kind in ("refused", "differs"):
            self.refusals[name, verdict.code][kind] += 1
        if kind == "failed":
            self.failures.append(f"{what}: {verdict.code} {verdict.text}")


def verdicts(case: Any, limit: int | None, dtypes: int | None) -> Iterator[tuple[str, Verdict]]:
    """(which sample, verdict) of a case, the first samples of its first dtypes."""
    for dtype in case.dtypes()[:dtypes]:
        for n, call in enumerate(case.calls(dtype, limit)):
            verdict = run(call, dtype == torch.float64)
            if verdict is not None:
                yield f"{case.label}, {dtype}, sample {n}", verdict


def score(cases: Iterable[Any], limit: int | None = None, dtypes: int | None = None) -> Score:
    """Run the cases on the reference backend; that compiled programs agree with it is shown for
    every primitive elsewhere, and for a sample of each name by a slow test."""
    found = Score()
    with sheer.backend("reference"):
        for case in cases:
            for what, verdict in verdicts(case, limit, dtypes):
                found.add(case.name, what, verdict)
    return found


def page(scores: dict[str, Score]) -> str:
    """The text of docs/torch-samples.md."""
    rows = []
    for family, (every, shared) in FAMILIES.items():
        c = scores[family].counts
        cells = (family, len({x.name for x in every}), len({x.name for x in shared}),
                 sum(c.values()), *(c[k] for k in ("passed", "differs", "refused", "failed")))
        rows.append(f"| {' | '.join(map(str, cells))} |")
    why = {**known("refused"), **known("differs")}
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for s in scores.values():
        for (name, code), c in sorted(s.refusals.items()):
            text = "foreign" if code == "foreign" else why.get((name, code), "not on the list")
            reasons[code, text].append(f"{name} ({sum(c.values())})")
    lines = [f"| {code} | {text} | {', '.join(names)} |"
             for (code, text), names in sorted(reasons.items())]
    missing = {f: sorted({x.name for x in every} - {x.name for x in shared})
               for f, (every, shared) in FAMILIES.items()}
    return _PAGE.format(
        version=torch.__version__.partition("+")[0], rows="\n".join(rows),
        refusals="\n".join(lines),
        missing="\n\n".join(f"**{f}**: {', '.join(n) or 'none'}." for f, n in missing.items()))


_PAGE = """\
# sheer and PyTorch's sample database

PyTorch tests itself with a database of inputs, in `torch.testing._internal`: op_db for operators,
module_db for modules, optim_db for optimizers. Every name that sheer shares is run through both
libraries (PyTorch {version}): outputs in float64, float32, int64 and bool, gradients in float64,
operators also as methods and in place. `python tests/samples/samples_score.py` writes this page.

| | names in all | shared | samples | passed | differ on purpose | refused | failed |
|---|---|---|---|---|---|---|---|
{rows}

A sample is refused when sheer raises an error that says why, or when one of its operands has a
dtype or a kind that sheer has nothing like ("foreign"). tests/samples/known.toml lists the
refusals and the differences; the list may only shrink.

| code | why | names (samples) |
|---|---|---|
{refusals}

## Names that sheer does not have

docs/left-out.md says why.

{missing}
"""


def main() -> None:
    scores = {family: score(shared) for family, (_, shared) in FAMILIES.items()}
    PAGE.write_text(page(scores), encoding="utf-8")
    print("\n".join(PAGE.read_text(encoding="utf-8").splitlines()[8:14]))
    for s in scores.values():
        print(*s.failures, sep="\n")


if __name__ == "__main__":
    main()
