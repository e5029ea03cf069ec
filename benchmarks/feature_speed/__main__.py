"""Speed of 72 features, ours and others': `python -m benchmarks.feature_speed [--sizes 1000,10000] [--shape hot]`.

Run by `make bench-features`. Makes the data, lets the contenders take turns, compares their values, writes a section of
`docs/benchmarks.md` and a plot beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.feature_speed.contenders import CONTENDERS, Contender, chosen_contenders
from benchmarks.feature_speed.measure import Figures, measure_size
from benchmarks.feature_speed.report import draw, section
from benchmarks.feature_speed.world import SHAPES, write_world
from benchmarks.page import PAGE, write_section
from claimvet.data.contract.errors import ClaimvetError

SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)


def tell(message: str) -> None:
    """Progress, on stderr, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def machine() -> str:
    """Number of processors and version of Python; what else the machine did is not known."""
    return f"{os.cpu_count()} processors, Python {platform.python_version()}, {platform.system()}"


def measure(claims: int, shape: str, contenders: list[Contender]) -> list[Figures]:
    """Figures of one size; its data and answers are gone afterwards."""
    scratch = Path(tempfile.mkdtemp(prefix="claimvet-features-"))
    try:
        tell(f"{claims:,} claims: making the data")
        return measure_size(write_world(scratch / "data", claims, shape), claims, contenders, scratch, tell)
    finally:
        shutil.rmtree(scratch)


def main() -> None:
    """Run, write section and plot unless `--no-page` is given, and print the section."""
    parser = argparse.ArgumentParser(prog="benchmarks.feature_speed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of claims, with commas between")
    parser.add_argument(
        "--shape", choices=list(SHAPES), default="even", help="even: two years; hot: ten, and a hot seller"
    )
    names = ", ".join(each.name for each in CONTENDERS)
    parser.add_argument("--contenders", help=f"some of: {names}; with commas between")
    parser.add_argument("--no-page", action="store_true", help="only print")
    chosen = parser.parse_args()
    contenders, results = _contenders(chosen.contenders), []
    for claims in sorted(int(size) for size in chosen.sizes.split(",")):
        results += measure(claims, chosen.shape, contenders)
        if not chosen.no_page:
            write_page(results, chosen.shape)
    print(section(results, chosen.shape, plot_name(chosen.shape), machine()))


def plot_name(shape: str) -> str:
    """The plot's file beside the page."""
    return "features-speed.svg" if shape == "even" else f"features-{shape}-speed.svg"


def write_page(results: list[Figures], shape: str) -> None:
    """Write section and plot: after every size, so that a run that is stopped leaves what it has measured."""
    draw(results, PAGE.with_name(plot_name(shape)))
    name = "features" if shape == "even" else f"features-{shape}"
    write_section(name, section(results, shape, plot_name(shape), machine()))


def _contenders(names: str | None) -> list[Contender]:
    try:
        return chosen_contenders(names.split(",") if names else None)
    except ClaimvetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
