"""DuckDB's answer to the windows of the usage layer: sum, maximum, mean, trend and last day per account, product, metric.

    python benches/peers/usage_windows.py WORLD [--as-of D]              print series and checksums as JSON
    python benches/peers/usage_windows.py WORLD --compare windows.csv    hold `benches/usage_windows.rs` to the same numbers

The timed query sums rows as they stand. The comparison lets the last recorded version of a corrected row count, as the
product does, on every tenth account; each number must agree to nine digits.
"""

import argparse
import json
import sys
from pathlib import Path

import duck

WINDOWS = [7, 30, 60, 90, 180, 365]


def windows(rows: str, day: str) -> str:
    parts = []
    for days in WINDOWS:
        inside = f"filter (date > date '{day}' - {days})"
        parts += [
            f"count(*) {inside} as n_{days}",
            f"sum(value) {inside} as sum_{days}",
            f"max(value) {inside} as max_{days}",
            f"avg(value) {inside} as mean_{days}",
            f"nullif(regr_slope(value, date - date '{day}') {inside}, 'nan'::double) as trend_{days}",
        ]
    return f"""select account_id, product_id, metric, max(date) as last_day, {', '.join(parts)} from {rows}
               where date > date '{day}' - {WINDOWS[-1]} and date <= date '{day}'
               group by account_id, product_id, metric"""


def measure(world: Path, day: str) -> dict:
    sums = ", ".join(f"sum({kind}_{days}) as {kind}_{days}" for days in WINDOWS for kind in ("n", "sum", "max", "mean", "trend"))
    query = f"select count(*) as series, max(last_day)::varchar as last_day, {sums} from ({windows(duck.source(world, 'usage'), day)})"
    result = duck.connect().execute(query)
    names = [column[0] for column in result.description]
    return dict(zip(names, result.fetchone(), strict=True))


def compare(world: Path, day: str, csv: Path) -> dict:
    connection = duck.connect()
    rows = f"""(select account_id, product_id, metric, date, arg_max(value, recorded_at) as value
                from {duck.source(world, 'usage')} where account_id like '%7' group by all)"""
    connection.execute(f"create table theirs as {windows(rows, day)}")
    connection.execute(f"create table ours as select * from read_csv('{csv}', header = true, nullstr = '') where account_id like '%7'")
    kinds = ("n", "sum", "max", "mean", "trend")
    # A trend is a small difference of large sums, so it is held to the size of the mean it could move in the window.
    scale = {"n": "0", "sum": "abs(t.sum_{d})", "max": "abs(t.max_{d})", "mean": "abs(t.mean_{d})", "trend": "abs(t.mean_{d})"}
    def off(kind: str, days: int) -> str:
        column, bound = f"{kind}_{days}", scale[kind].format(d=days)
        return (f"coalesce(t.{column}, 0) is distinct from coalesce(o.{column}, 0) "
                f"and not coalesce(abs(t.{column} - o.{column}) <= 1e-9 * greatest({bound}, 1), false)")
    wrong = " or ".join(f"({off(kind, days)})" for days in WINDOWS for kind in kinds)
    on = "using (account_id, product_id, metric)"
    alone = connection.execute(f"select count(*) from theirs t full join ours o {on} where t.last_day is distinct from o.last_day").fetchone()[0]
    different = connection.execute(f"select count(*) from theirs t join ours o {on} where {wrong}").fetchone()[0]
    return {"series": connection.execute("select count(*) from theirs").fetchone()[0], "unmatched": alone, "different": different}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", type=Path)
    parser.add_argument("--as-of", default="2026-06-30")
    parser.add_argument("--compare", type=Path)
    args = parser.parse_args()
    told = compare(args.world, args.as_of, args.compare) if args.compare else measure(args.world, args.as_of)
    json.dump(told, sys.stdout)
    if args.compare and (told["unmatched"] or told["different"] or not told["series"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
