"""A plain scan-and-aggregate of every table of a world in DuckDB: what reading the night's extracts costs at least.

    python benches/peers/scan_aggregate.py WORLD OUT [--as-of D] [--read-only]

One query per table, each grouped by account and written as Parquet: usage by product and metric over the windows of the
job, feature use by feature with distinct users, and counts, sums and last days of everything else. With --read-only it
takes the maximum of every column and groups nothing: the cost of decoding alone.
"""

import argparse
import json
import sys
from pathlib import Path

import duck
from usage_windows import windows


def count(column: str, days: int, day: str) -> str:
    on = f'cast("{column}" as date)'
    return f"count(*) filter ({on} > date '{day}' - {days} and {on} <= date '{day}')"


def queries(world: Path, day: str) -> dict[str, str]:
    t = lambda table: duck.source(world, table)
    per = lambda columns, table: f"select account_id, {columns} from {t(table)} group by account_id"
    feature = ", ".join(
        f"sum(events) filter (date > date '{day}' - {days}) as events_{days}, "
        f"count(distinct user_id) filter (date > date '{day}' - {days}) as users_{days}, "
        f"count(distinct date) filter (date > date '{day}' - {days}) as days_{days}" for days in (30, 90))
    spans = lambda column: ", ".join(f"{count(column, days, day)} as n_{days}" for days in (30, 90, 180))
    return {
        "products": f"select product_id, count(*) as tiers from {t('products')} group by product_id",
        "features": f"select product_id, count(*) as features from {t('features')} group by product_id",
        "accounts": f"select segment, count(*) as n, sum(employees) as employees from {t('accounts')} group by segment",
        "subscriptions": per("count(*) as versions, sum(arr) as arr, max(ends_on) as ends_on, max(recorded_at) as recorded", "subscriptions"),
        "entitlements": per('count(*) as ceilings, max("limit") as highest', "entitlements"),
        "usage": windows(t("usage"), day),
        "feature_usage": f"select account_id, feature_id, min(date) as first_day, max(date) as last_day, sum(events) as events, {feature} from {t('feature_usage')} group by account_id, feature_id",
        "feature_users": f"select account_id, user_id, sum(events) as events, count(distinct feature_id) as features, max(date) as last_day from {t('feature_usage')} group by account_id, user_id",
        "integrations": per("count(*) as connected, max(connected_on) as last_day", "integrations"),
        "contacts": per("count(distinct contact_id) as contacts, count(*) filter (left_on is not null) as gone", "contacts"),
        "activities": per(f"{spans('at')}, avg(sentiment) as sentiment, median(response_hours) as response, max(\"at\") as last_day", "activities"),
        "conversations": per(f"{spans('at')}, sum(length(text)) as letters", "conversations"),
        "tickets": per(f"{spans('opened_at')}, avg(csat) as csat, count(*) filter (escalated) as escalated, sum(length(body)) as letters", "tickets"),
        "surveys": per(f"{spans('at')}, avg(score) as score", "surveys"),
        "invoices": per(f"sum(amount) as amount, count(*) filter (paid_on is null and due_on < date '{day}') as overdue", "invoices"),
        "account_events": per(f"{spans('occurred_on')}, sum(magnitude) as magnitude", "account_events"),
        "opportunities": per("count(*) as deals, sum(arr_delta) as arr", "opportunities"),
        "decisions": f"select decision, count(*) as n from {t('decisions')} group by decision",
        "outcomes": f"select outcome, count(*) as n, sum(arr_delta) as arr from {t('outcomes')} group by outcome",
        "text_labels": f"select intent, count(*) as n from {t('text_labels')} group by intent",
        "annotations": per("count(*) as n, avg(value) as value", "annotations"),
    }


def read(connection, world: Path, table: str) -> int:
    columns = [name for name, *_ in connection.execute(f"describe select * from {duck.source(world, table)}").fetchall()]
    most = ", ".join(f'max("{column}")::varchar' for column in columns)
    return connection.execute(f"select count(*), {most} from {duck.source(world, table)}").fetchone()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--as-of", default="2026-06-30")
    parser.add_argument("--read-only", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    connection, rows = duck.connect(), {}
    if args.read_only:
        tables = [table for table in queries(args.world, args.as_of) if table != "feature_users"]
        json.dump({table: read(connection, args.world, table) for table in tables}, sys.stdout)
        return
    for table, query in queries(args.world, args.as_of).items():
        to = f"copy ({query}) to '{args.out / table}.parquet' (format parquet, compression zstd)"
        rows[table] = connection.execute(to).fetchone()[0]
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
