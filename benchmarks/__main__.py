"""``make bench``: measure the hot paths beside their peers, print them beside their targets, keep them as data.

A whole run writes ``docs/benchmarks.json`` and the figures of ``docs/explanation/performance.md``; one with ``--quick``
or ``--only`` writes nothing. The real Centrifugo takes part where ``CENTRIFUGO_BIN`` names it. ``--identity``
measures the identity provider instead, into ``docs/benchmarks-identity.json``, beside the real Supabase Auth where
``SUPABASE_AUTH_BIN`` names it. A missed target is no failure: these are measurements, not tests.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
import traceback
from pathlib import Path

from benchmarks import machine, page, record
from benchmarks.plan import Plan
from benchmarks.suites import IDENTITY, SUITES


def main() -> int:
    """Run the suites that are asked for."""
    options = _arguments()
    if options.check_page or options.page:
        return _settle_page(write=options.page)
    suites, kept_at = (IDENTITY, record.IDENTITY_RECORD) if options.identity else (SUITES, record.RECORD)
    chosen = options.only or list(suites)
    described, revision = machine.describe_machine(), machine.revision()  # as it is when the run begins
    busy = described.others_percent
    print(f"{described.cores} cores" + ("" if busy is None else f", others keep {busy:g} % of them busy"), flush=True)
    centrifugo, supabase_auth = os.environ.get("CENTRIFUGO_BIN"), os.environ.get("SUPABASE_AUTH_BIN")
    with tempfile.TemporaryDirectory(prefix="cadenza-bench-") as folder:
        plan = Plan(
            rounds=options.rounds or (1 if options.quick else 3),
            seconds=options.seconds or (0.5 if options.quick else 2.5),
            warm_up_seconds=0.2 if options.quick else 1.0,
            folder=Path(folder),
            centrifugo=Path(centrifugo) if centrifugo else None,
            supabase_auth=Path(supabase_auth) if supabase_auth else None,
        )
        rows: list[record.Row] = []
        broken: list[str] = []
        for name in chosen:
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                rows += suites[name](plan)
            except Exception:  # noqa: BLE001 - the others' figures are not lost with it
                traceback.print_exc()
                broken.append(name)
    print(*page.terminal_table(rows), sep="\n")
    if broken:
        print(f"broken: {', '.join(broken)}; nothing is recorded")
        return 1
    if not options.quick and not options.only:
        whole = _record(plan, described, revision, rows)
        record.write(whole, kept_at)
        page.update_page(whole, kept_at)
        print(f"recorded in {kept_at.relative_to(record.ROOT)} and {page.PAGE.relative_to(record.ROOT)}")
    return 0


def _settle_page(*, write: bool) -> int:
    current = True
    for path in (record.RECORD, record.IDENTITY_RECORD):
        kept = record.read(path)
        if write:
            page.update_page(kept, path)
        current = current and page.is_current(kept, path)
    return 0 if current else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round; nothing is recorded")
    parser.add_argument("--only", action="append", choices=list(SUITES), help="this suite; may be repeated")
    parser.add_argument("--identity", action="store_true", help="the identity provider, with a record of its own")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement")
    parser.add_argument("--seconds", type=float, help="seconds of each window")
    parser.add_argument("--page", action="store_true", help="write the page's figures anew from the record, and end")
    parser.add_argument("--check-page", action="store_true", help="exit with 1 if the page does not show the record")
    return parser.parse_args()


def _record(plan: Plan, described: record.Machine, revision: str, rows: list[record.Row]) -> record.Record:
    return record.Record(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        revision=revision,
        rounds=plan.rounds,
        seconds=plan.seconds,
        machine=described,
        versions=machine.versions(),
        rows=tuple(rows),
    )


if __name__ == "__main__":
    sys.exit(main())
