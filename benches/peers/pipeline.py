"""The peer of the whole pipeline: what a data scientist would write with Polars, scikit-learn and LightGBM.

    python benches/peers/pipeline.py WORLD OUT [--as-of YYYY-MM-DD]

Point-in-time features of every account on the snapshot days that the nightly job trains on, labels for churn, upsell
and each product's cross-sell over the 90 days that follow, a boosted and a calibrated logistic model per target split
by time, and tonight's scores, as Parquet. Stages and seconds go to stdout as JSON.

What it leaves out of the job's work: contract checks and rejected rows, corrected usage (a late correction is added to
the row it corrects), cadence and gaps of meters, change points, forecasts of ceilings, similar accounts, the map of
people, the text of tickets and calls, signals, health, recommendations, briefings, audit records, safe publishing.
"""

import argparse
import datetime as dt
import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

WINDOWS = [7, 30, 60, 90, 180, 365]
FEATURE_WINDOWS = [30, 90]
HORIZON, LATE, GRID, MIN_HISTORY = 90, 14, 30, 90
CORE = ["workspace", "pipeline"]
MIN_POSITIVES = 30


def scan(world: Path, table: str) -> pl.LazyFrame:
    single = world / f"{table}.parquet"
    return pl.scan_parquet(single if single.exists() else str(world / table / "**/*.parquet"), hive_partitioning=False)


def known(frame: pl.LazyFrame, day: dt.date) -> pl.LazyFrame:
    """What had been recorded by the end of the day."""
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
    return frame.filter(pl.col("recorded_at") < end)


def since(column: str, day: dt.date, days: int) -> pl.Expr:
    return (pl.col(column) > day - dt.timedelta(days=days)) & (pl.col(column) <= day)


def usage(world: Path, day: dt.date) -> pl.LazyFrame:
    """Sum, maximum, mean, change and trend of every meter over every window, one column each."""
    age = (pl.lit(day) - pl.col("date")).dt.total_days()
    rows = known(scan(world, "usage"), day).filter(since("date", day, 2 * WINDOWS[-1]))
    rows = rows.select("account_id", series=pl.col("product_id") + "." + pl.col("metric"), value="value", age=age)
    value, age = pl.col("value"), pl.col("age")
    aggregates = [age.min().alias("age_of_last")]
    for days in WINDOWS:
        inside = age < days
        before = (age >= days) & (age < 2 * days)
        n, t, tt = inside.sum(), age.filter(inside).sum(), (age * age).filter(inside).sum()
        y, ty = value.filter(inside).sum(), (value * age).filter(inside).sum()
        aggregates += [
            y.alias(f"sum_{days}"),
            value.filter(inside).max().alias(f"max_{days}"),
            value.filter(inside).mean().alias(f"mean_{days}"),
            (y / value.filter(before).sum() - 1).alias(f"change_{days}"),
            (-(n * ty - t * y) / (n * tt - t * t)).alias(f"trend_{days}"),
        ]
    return rows.group_by("account_id", "series").agg(aggregates)


def wide(long: pl.DataFrame) -> pl.DataFrame:
    return long.pivot("series", index="account_id", values=[c for c in long.columns if c not in ("account_id", "series")])


def adoption(world: Path, day: dt.date) -> pl.LazyFrame:
    """Breadth and depth of feature use."""
    features = scan(world, "features").select("feature_id", "kind")
    rows = scan(world, "feature_usage").filter(since("date", day, 2 * FEATURE_WINDOWS[-1])).join(features, on="feature_id")
    events, kind = pl.col("events"), pl.col("kind")
    aggregates = []
    for days in FEATURE_WINDOWS:
        inside = pl.col("date") > day - dt.timedelta(days=days)
        deep = inside & kind.is_in(["advanced", "workflow", "export"])
        trial, teaser = inside & pl.col("in_trial"), inside & (kind == "teaser")
        before = ~inside & (pl.col("date") > day - dt.timedelta(days=2 * days))
        aggregates += [
            events.filter(inside).sum().alias(f"feature_events_{days}"),
            (events.filter(inside).sum() / events.filter(before).sum() - 1).alias(f"feature_events_change_{days}"),
            pl.col("user_id").filter(inside).n_unique().alias(f"feature_users_{days}"),
            pl.col("feature_id").filter(inside).n_unique().alias(f"features_used_{days}"),
            pl.col("date").filter(inside).n_unique().alias(f"feature_days_{days}"),
            events.filter(deep).sum().alias(f"deep_events_{days}"),
            pl.col("user_id").filter(deep).n_unique().alias(f"deep_users_{days}"),
            events.filter(trial).sum().alias(f"trial_events_{days}"),
            pl.col("user_id").filter(trial).n_unique().alias(f"trial_users_{days}"),
            events.filter(teaser).sum().alias(f"teaser_events_{days}"),
            pl.col("user_id").filter(teaser).n_unique().alias(f"teaser_users_{days}"),
        ]
    return rows.group_by("account_id").agg(aggregates)


def versions(world: Path, day: dt.date, begun: dt.date = dt.date.max) -> pl.DataFrame:
    """The last version of every subscription known on the day, of those that had begun by another."""
    rows = known(scan(world, "subscriptions"), day).filter(pl.col("starts_on") <= begun)
    rows = rows.sort("recorded_at").group_by("subscription_id").last()
    tiers = scan(world, "products").select("product_id", "tier", "tier_rank")
    return rows.join(tiers, on=["product_id", "tier"], how="left").collect()


def active(frame: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    running = pl.col("ends_on").is_null() | (pl.col("ends_on") > day) | pl.col("auto_renew").fill_null(False)
    kept = pl.col("cancelled_on").is_null() | (pl.col("cancelled_on") > day)
    return frame.filter((pl.col("starts_on") <= day) & running & kept)


def contracts(world: Path, day: dt.date) -> pl.DataFrame:
    held = active(versions(world, day, day), day)
    whole = held.group_by("account_id").agg(
        arr=pl.col("arr").sum(), products=pl.col("product_id").n_unique(), term=pl.col("term_months").max(),
        renews_in=(pl.col("ends_on").min() - pl.lit(day)).dt.total_days(),
        tenure=(pl.lit(day) - pl.col("starts_on").min()).dt.total_days(), auto_renew=pl.col("auto_renew").min(),
    )
    each = held.group_by("account_id", "product_id").agg(pl.col("units").sum(), pl.col("arr").sum(), pl.col("tier_rank").max())
    each = each.pivot("product_id", index="account_id", values=["units", "arr", "tier_rank"])
    return whole.join(each, on="account_id")


def ceilings(world: Path, day: dt.date) -> pl.LazyFrame:
    """The fullest ceiling."""
    limits = scan(world, "entitlements").filter(
        (pl.col("starts_on") <= day) & (pl.col("ends_on").is_null() | (pl.col("ends_on") >= day)))
    rows = known(scan(world, "usage"), day).filter(since("date", day, 30))
    month = rows.group_by("account_id", "product_id", "metric").agg(mean=pl.col("value").mean(), peak=pl.col("value").max())
    share = pl.col("mean") / pl.when(pl.col("period") == "month").then(pl.col("limit") / 30.4).otherwise(pl.col("limit"))
    joined = limits.join(month, on=["account_id", "product_id", "metric"]).with_columns(share=share)
    return joined.group_by("account_id").agg(highest_utilization=pl.col("share").max(), ceilings_full=(pl.col("share") > 0.85).sum())


def support(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = scan(world, "tickets").with_columns(opened=pl.col("opened_at").dt.date(), resolved=pl.col("resolved_at").dt.date())
    rows = rows.filter(pl.col("opened") <= day)
    is_open = pl.col("resolved").is_null() | (pl.col("resolved") > day)
    hours = (pl.col("resolved_at") - pl.col("opened_at")).dt.total_minutes() / 60
    aggregates = [is_open.sum().alias("tickets_open"), (is_open & (pl.col("priority") == "p1")).sum().alias("p1_open")]
    for days in (30, 90, 180):
        inside = since("opened", day, days)
        aggregates += [
            inside.sum().alias(f"tickets_{days}"),
            (inside & pl.col("escalated")).sum().alias(f"escalated_{days}"),
            (inside & (pl.col("priority") == "p1")).sum().alias(f"p1_{days}"),
            pl.col("csat").filter(inside).mean().alias(f"csat_{days}"),
            hours.filter(since("resolved", day, days)).median().alias(f"resolution_hours_{days}"),
        ]
    return rows.group_by("account_id").agg(aggregates)


def relationship(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = scan(world, "activities").with_columns(on=pl.col("at").dt.date()).filter(pl.col("on") <= day)
    aggregates = [(pl.lit(day) - pl.col("on").max()).dt.total_days().alias("days_since_contact")]
    for days in (30, 90, 180):
        inside = since("on", day, days)
        aggregates += [
            *[(inside & (pl.col("kind") == kind)).sum().alias(f"{kind}s_{days}") for kind in ("email", "call", "meeting", "qbr", "executive")],
            (inside & (pl.col("direction") == "in")).sum().alias(f"inbound_{days}"),
            pl.col("contact_id").filter(inside).n_unique().alias(f"contacts_touched_{days}"),
            pl.col("attended").filter(inside).mean().alias(f"attended_{days}"),
            pl.col("response_hours").filter(inside).median().alias(f"response_hours_{days}"),
            pl.col("sentiment").filter(inside).mean().alias(f"sentiment_{days}"),
        ]
    return rows.group_by("account_id").agg(aggregates)


def surveys(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = scan(world, "surveys").with_columns(on=pl.col("at").dt.date()).filter(pl.col("on") <= day).sort("at")
    nps = pl.col("kind") == "nps"
    return rows.group_by("account_id").agg(
        nps_latest=pl.col("score").filter(nps).last(), nps_mean_180=pl.col("score").filter(nps & since("on", day, 180)).mean(),
        csat_mean_180=pl.col("score").filter(~nps & since("on", day, 180)).mean(), survey_answers=since("on", day, 180).sum(),
    )


def invoices(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = scan(world, "invoices").filter(pl.col("issued_on") <= day)
    unpaid = pl.col("paid_on").is_null() | (pl.col("paid_on") > day)
    overdue = unpaid & (pl.col("due_on") < day)
    late = (pl.min_horizontal(pl.col("paid_on").fill_null(day), pl.lit(day)) - pl.col("due_on")).dt.total_days().clip(0)
    return rows.group_by("account_id").agg(
        overdue=overdue.sum(), overdue_amount=pl.col("amount").filter(overdue).sum(), disputed=(unpaid & pl.col("disputed")).sum(),
        days_late_180=late.filter(since("due_on", day, 180)).mean(),
    )


def people(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = known(scan(world, "contacts"), day).sort("recorded_at").group_by("contact_id").last()
    here = pl.col("left_on").is_null() | (pl.col("left_on") > day)
    return rows.group_by("account_id").agg(
        contacts=here.sum(), champions=(here & pl.col("is_champion")).sum(), sponsors=(here & pl.col("is_sponsor")).sum(),
        executives=(here & pl.col("seniority").is_in(["vp", "c_level"])).sum(), left_90=since("left_on", day, 90).sum(),
        champions_left_180=(since("left_on", day, 180) & pl.col("is_champion")).sum(), joined_90=since("joined_on", day, 90).sum(),
        departments=pl.col("department").filter(here).n_unique(),
    )


def events(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = known(scan(world, "account_events"), day).filter(since("occurred_on", day, 180))
    kinds = ["funding", "merger", "product_launch", "geo_expansion", "executive_departure", "hiring", "layoffs", "competitor_logo"]
    return rows.group_by("account_id").agg([(pl.col("kind") == kind).sum().alias(f"{kind}_180") for kind in kinds])


def deals(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = scan(world, "opportunities").filter(pl.col("opened_on") <= day)
    is_open = pl.col("closed_on").is_null() | (pl.col("closed_on") > day)
    closed = since("closed_on", day, 365)
    return rows.group_by("account_id").agg(
        deals_open=is_open.sum(), deals_won_365=(closed & (pl.col("stage") == "won")).sum(),
        deals_lost_365=(closed & (pl.col("stage") == "lost")).sum(),
    )


def integrations(world: Path, day: dt.date) -> pl.LazyFrame:
    rows = scan(world, "integrations").filter(pl.col("connected_on") <= day)
    on = pl.col("disconnected_on").is_null() | (pl.col("disconnected_on") > day)
    return rows.group_by("account_id").agg(
        integrations=on.sum(), connected_90=since("connected_on", day, 90).sum(),
        competing=(on & pl.col("competes_with_product_id").is_not_null()).sum(),
    )


def snapshot(world: Path, day: dt.date, stages: "Stages") -> pl.DataFrame:
    """One row per account under contract, everything as known by the end of the day."""
    with stages("usage"):
        meters = wide(usage(world, day).collect(engine="streaming"))
    with stages("feature usage"):
        adopted = adoption(world, day).collect(engine="streaming")
    with stages("other tables"):
        base = scan(world, "accounts").select(
            "account_id", "segment", "industry", "region", "use_case", "employees", partner=pl.col("partner").is_not_null()).collect()
        frame = base.join(contracts(world, day), on="account_id").join(meters, on="account_id", how="left")
        frame = frame.join(adopted, on="account_id", how="left")
        slow = [ceilings, support, relationship, surveys, invoices, people, events, deals, integrations]
        for part in pl.collect_all([make(world, day) for make in slow]):
            frame = frame.join(part, on="account_id", how="left")
    return frame.with_columns(day=pl.lit(day))


def labels(world: Path, day: dt.date, products: list[str], as_of: dt.date) -> pl.DataFrame:
    """What happened within the horizon to the accounts that were under contract on the day."""
    then = day + dt.timedelta(days=HORIZON)
    key = ["account_id", "product_id"]
    state = [pl.col("arr").sum(), pl.col("units").sum(), pl.col("tier_rank").max()]
    before = active(versions(world, day, day), day).group_by(key).agg(state)
    after = active(versions(world, as_of, then), then).group_by(key).agg(state)
    both = before.join(after, on=key, how="left", suffix="_then")
    rose = (pl.col("arr_then") > 1.02 * pl.col("arr")) | (pl.col("units_then") > pl.col("units")) | (pl.col("tier_rank_then") > pl.col("tier_rank"))
    core = pl.col("product_id").is_in(CORE)
    held = both.group_by("account_id").agg(
        churn=pl.when(core.any()).then(~(core & pl.col("arr_then").is_not_null()).any()), upsell=rose.fill_null(False).any())
    for product in products:
        owned = before.filter(pl.col("product_id") == product).select("account_id", owned=True)
        bought = after.filter(pl.col("product_id") == product).select("account_id", bought=True)
        held = held.join(owned, on="account_id", how="left").join(bought, on="account_id", how="left")
        label = pl.when(pl.col("owned").is_null()).then(pl.col("bought").fill_null(False)).alias(f"cross_sell:{product}")
        held = held.with_columns(label).drop("owned", "bought")
    return held.with_columns(day=pl.lit(day))


def matrix(frame: pl.DataFrame, words: list[str], columns: list[str] | None) -> tuple[np.ndarray, list[str]]:
    coded = frame.drop("account_id", "day").to_dummies(words)
    coded = coded.cast(pl.Float32).with_columns(pl.all().replace([float("inf"), float("-inf")], None))
    names = columns or coded.columns
    absent = [pl.lit(None, pl.Float32).alias(name) for name in names if name not in coded.columns]
    return coded.with_columns(absent).select(names).to_numpy(), names


def fit(x: np.ndarray, y: np.ndarray, days: np.ndarray, accounts: np.ndarray, threads: int):
    """A boosted and a calibrated logistic model; the one with the lower log loss on the last days is kept. Of those
    days half of the accounts stop the boosting and calibrate, the others judge."""
    ordered = np.unique(days)
    first_held = ordered[-max(1, len(ordered) // 5)]
    # A label must be settled before the first day that it is judged on.
    held, train = days >= first_held, days + HORIZON <= first_held
    if not train.any() or y[train].sum() < MIN_POSITIVES or y[held].sum() < 2:
        return None
    filled = np.nan_to_num(x, nan=0.0)
    half = accounts % 2 == 0
    stop, test = held & half, held & ~half
    if min(y[stop].sum(), y[test].sum()) < 1:
        return None
    boosted = lightgbm.LGBMClassifier(n_estimators=400, learning_rate=0.05, num_leaves=31, min_child_samples=50,
                                      n_jobs=threads, verbosity=-1, random_state=0)
    boosted.fit(x[train], y[train], eval_X=x[stop], eval_y=y[stop], callbacks=[lightgbm.early_stopping(30, verbose=False)])
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
    linear.fit(filled[train], y[train])
    calibrated = CalibratedClassifierCV(FrozenEstimator(linear), method="sigmoid").fit(filled[stop], y[stop])
    scores = {"boosted": boosted.predict_proba(x[test])[:, 1], "logistic": calibrated.predict_proba(filled[test])[:, 1]}
    losses = {name: log_loss(y[test], score, labels=[0, 1]) for name, score in scores.items()}
    best = min(losses, key=losses.get)
    report = {"model": best, "auc": roc_auc_score(y[test], scores[best]), "log_loss": losses[best], "rows": int(len(y)), "positives": int(y.sum())}
    score = (lambda rows: boosted.predict_proba(rows)[:, 1]) if best == "boosted" else (
        lambda rows: calibrated.predict_proba(np.nan_to_num(rows, nan=0.0))[:, 1])
    return score, report


class Stages:
    def __init__(self):
        self.seconds = {}

    def __call__(self, name):
        self.name, self.started = name, time.perf_counter()
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.seconds[self.name] = self.seconds.get(self.name, 0.0) + time.perf_counter() - self.started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--as-of", type=dt.date.fromisoformat, default=dt.date(2026, 6, 30))
    args = parser.parse_args()
    stages, threads = Stages(), pl.thread_pool_size()

    first = scan(args.world, "usage").select(pl.col("date").min()).collect(engine="streaming").item()
    grid = [args.as_of - dt.timedelta(days=GRID * step) for step in range(36)]
    days = [d for d in grid if d >= first + dt.timedelta(days=MIN_HISTORY) and d + dt.timedelta(days=HORIZON + LATE) <= args.as_of]
    days.reverse()
    tonight = snapshot(args.world, args.as_of, stages)
    past = [snapshot(args.world, day, stages) for day in days]
    products = scan(args.world, "products").select(pl.col("product_id").unique().sort()).collect().to_series().to_list()

    with stages("labels"):
        outcome = pl.concat([labels(args.world, day, products, args.as_of) for day in days])
        examples = pl.concat(past, how="diagonal").join(outcome, on=["account_id", "day"])
        targets = [c for c in outcome.columns if c not in ("account_id", "day")]
    with stages("train and score"):
        words = ["segment", "industry", "region", "use_case"]
        x, names = matrix(examples.drop(targets), words, None)
        x_tonight, _ = matrix(tonight, words, names)
        day_of = examples["day"].to_physical().to_numpy()
        account_of = examples["account_id"].rank("dense").to_numpy()
        reports, scores = [], tonight.select("account_id", "day")
        for target in targets:
            y = examples[target].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            usable = np.isfinite(y)
            fitted = fit(x[usable], y[usable], day_of[usable], account_of[usable], threads)
            if fitted:
                score, report = fitted
                reports.append({"target": target, **report})
                scores = scores.with_columns(pl.Series(target, score(x_tonight)))
    with stages("write"):
        args.out.mkdir(parents=True, exist_ok=True)
        scores.write_parquet(args.out / "scores.parquet")
        tonight.write_parquet(args.out / "features.parquet")
        pl.DataFrame(reports).write_parquet(args.out / "evaluations.parquet")
    json.dump({"snapshots": len(days), "examples": len(examples), "features": len(names), "models": len(reports),
               "seconds": stages.seconds, "reports": reports}, sys.stdout)


if __name__ == "__main__":
    main()
