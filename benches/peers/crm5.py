"""Foothold beside scikit-learn and LightGBM on a CRM's data that nobody here made: one row per account and billing period.

    python benches/peers/crm5.py target/release/foothold

The outcomes are what the next period brings: a higher tier, either add-on, each of them. Models learn on periods that
ended before 2023 and are judged on those that ended later. Usage is weekly and dated on the last day of its week, so the
week in which a period ends is dated up to six days after it: features are built as the period's last day knew them, and
a second time with that week, for figures that others reached with whole months.
"""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import duckdb
import pandas as pd
from compare import TUNED, boosted, logistic
from sklearn.metrics import roc_auc_score

warnings.filterwarnings("ignore")
DATA = Path(os.environ.get("FOOTHOLD_SHARED_DATA", "../shared/data")) / "crm5"
SPLIT = pd.Timestamp("2023-01-01")
# What is known of usage: up to so many days after the period's last day.
KNOWN = {"as known on the last day": 0, "with the whole last week": 6}
TARGETS = {"higher tier": "upgrade", "either add-on": "add_on", "meetings": "buys_meetings", "search unlimited": "buys_search"}
ADD_ONS = {"meetings": "meetings", "search": "search_unlimited"}

# A period without a next one within five days brought nothing; the last periods, whose next is not delivered, stay out.
PERIODS = """
create table periods as
select s.account_id, s.starts_on, s.ends_on, s.ends_on - 1 as day, s.units, s.arr, p.tier_rank, s.term_months,
       row_number() over account as period,
       lead(p.tier_rank) over account as next_rank, lead(s.starts_on) over account as next_starts
from subscriptions s join products p using (product_id, tier) where s.product_id = 'crm'
window account as (partition by s.account_id order by s.starts_on)
qualify s.ends_on <= (select max(starts_on) from subscriptions) - 6
"""
OWNED = """
select account_id, period, max(coalesce(a.starts_on <= day and a.ends_on > day, false)::int) as owns_{name},
       max(coalesce(a.starts_on > day and a.starts_on <= day + 6, false)::int) as next_{name}
from periods left join (select account_id, starts_on, ends_on from subscriptions where product_id = '{product}') a using (account_id) group by all
"""
USAGE = """
select account_id, period, metric, sum(value) filter (u.date > day - 30) as sum, max(value) filter (u.date > day - 30) as max,
       sum(value) filter (u.date <= day - 30) as sum_before
from periods join usage u using (account_id) where u.date <= day + {known} and u.date > day + {known} - 60 group by all
"""
LIMITS = """
select account_id, periods.period, metric, max(e."limit") as "limit"
from periods join entitlements e using (account_id) where e.starts_on <= day and e.ends_on > day group by all
"""


def wide(rows):
    """One column per measure and metric."""
    table = rows.pivot(index=["account_id", "period"], columns="metric")
    table.columns = ["_".join(names) for names in table.columns]
    return table


def periods(known):
    """One row per account and billing period: features, outcomes, the period's last day."""
    db = duckdb.connect(config={"threads": 2})
    db.execute("set enable_progress_bar = false")
    for name in ("subscriptions", "products", "usage", "entitlements"):
        db.execute(f"create view {name} as select * from '{DATA / name}.parquet'")
    db.execute(PERIODS)
    key = ["account_id", "period"]
    table = db.sql("select * from periods order by account_id, period").df().set_index(key)
    for name, product in ADD_ONS.items():
        table = table.join(db.sql(OWNED.format(name=name, product=product)).df().set_index(key))
    table = table.join(wide(db.sql(USAGE.format(known=known)).df())).join(wide(db.sql(LIMITS).df()))
    for limited in [name.removeprefix("limit_") for name in table if name.startswith("limit_")]:
        table[f"used_{limited}"] = table[f"sum_{limited}"] / table[f"limit_{limited}"]
    table["seats_used"] = table["max_seats"] / table["units"]
    follows = (table["next_starts"] - table["ends_on"]).dt.days <= 5
    table["upgrade"] = (follows & (table["next_rank"] > table["tier_rank"])).astype(int)
    for name in ADD_ONS:
        table[f"buys_{name}"] = (table[f"next_{name}"] > table[f"owns_{name}"]).astype(int)
    table["add_on"] = table[[f"buys_{name}" for name in ADD_ONS]].max(axis=1)
    apart = ["starts_on", "ends_on", "next_rank", "next_starts", *(f"next_{name}" for name in ADD_ONS)]
    return table.drop(columns=apart).reset_index()


def foothold(binary, family, early, late, features, label):
    """Probabilities of the later rows from a model of the earlier ones."""
    with tempfile.TemporaryDirectory() as folder:
        before, after, model, scores = (str(Path(folder) / name) for name in ("before.parquet", "after.parquet", "model.json", "scores.parquet"))
        early[["account_id", *features, label]].to_parquet(before)
        late[["account_id", *features]].to_parquet(after)
        quiet = dict(check=True, stdout=subprocess.DEVNULL)
        subprocess.run([binary, "evaluate", before, "--label", label, "--id", "account_id", "--family", family, "--save", model], **quiet)
        subprocess.run([binary, "score", after, "--model", model, "--out", scores], **quiet)
        scored = pd.read_parquet(scores)
    assert (scored["account_id"] == late["account_id"].to_numpy()).all(), "the scores stand in the order of the rows"
    return scored["probability"]


def models(binary, early, late, features, label):
    """(name, probabilities of the later rows)."""
    x, y = early[features], early[label]
    yield "scikit-learn logistic", logistic(features, []).fit(x.fillna(0), y).predict_proba(late[features].fillna(0))[:, 1]
    yield "LightGBM, small trees", boosted(**TUNED).fit(x, y).predict_proba(late[features])[:, 1]
    for family in ("scorecard", "boosting"):
        yield f"foothold {family}", foothold(binary, family, early, late, features, label)


def main(binary):
    if not DATA.exists():
        print(f"skipped: {DATA} is absent", file=sys.stderr)
        return
    print("| usage | next period | later rows, positives | scikit-learn logistic | LightGBM, small trees | foothold scorecard | foothold boosting |\n|---|---|---|--:|--:|--:|--:|")
    for usage, known in KNOWN.items():
        table = periods(known)
        features = [name for name in table if name not in ("account_id", "day", *TARGETS.values())]
        early, late = table[table["day"] < SPLIT], table[table["day"] >= SPLIT]
        for title, label in TARGETS.items():
            aucs = [f"{roc_auc_score(late[label], p):.3f}" for _, p in models(binary, early, late, features, label)]
            print(f"| {usage} | {title} | {len(late):,}, {late[label].sum():,} | {' | '.join(aucs)} |", flush=True)
            usage = ""


if __name__ == "__main__":
    main(sys.argv[1])
