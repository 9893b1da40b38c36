"""Foothold beside scikit-learn and LightGBM on the same folds of the same tables: figures and seconds as Markdown.

Wall seconds are the training of all folds. CPU seconds are what can be compared on a machine that others use as well:
of the whole `foothold evaluate`, which reads the table and fits once more on all rows, and of the peers' fits alone.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import xxhash
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import tables

warnings.filterwarnings("ignore")
FOLDS, THREADS = 5, 2
ID_SEED, FOLD_SEED = 0x1D, 42


def folds_of(ids, positive):
    """The folds of `foothold evaluate`: rows in the order of a hash of their id, positives dealt first."""
    keys = []
    for row, text in enumerate(ids):
        own = xxhash.xxh3_64_intdigest(text.encode(), seed=ID_SEED)
        keys.append((xxhash.xxh3_64_intdigest(own.to_bytes(8, "little"), seed=FOLD_SEED), row))
    fold, dealt = np.zeros(len(keys), int), 0
    for wanted in (True, False):
        for _, row in sorted(keys):
            if positive[row] == wanted:
                fold[row] = dealt % FOLDS
                dealt += 1
    return fold


def logistic(numbers, words):
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=10), words),
    )
    return make_pipeline(encode, LogisticRegression(max_iter=1000))


def boosted(**settings):
    return lightgbm.LGBMClassifier(verbose=-1, n_jobs=THREADS, random_state=0, **settings)


TUNED = dict(n_estimators=250, learning_rate=0.03, num_leaves=8, min_child_samples=40, subsample=0.8, subsample_freq=1, colsample_bytree=0.6, reg_lambda=5)


def peers(table, label, positive):
    y = (table[label].astype(str) == positive).to_numpy()
    x = table.drop(columns=[label, "row_id"])
    numbers = [c for c in x if pd.api.types.is_numeric_dtype(x[c])]
    words = [c for c in x if c not in numbers]
    categories = x.astype({c: "category" for c in words})
    x = x.astype({c: str for c in words})
    fold = folds_of(table["row_id"], y)
    yield "scikit-learn logistic", cross_validated(lambda: logistic(numbers, words), x, y, fold)
    yield "LightGBM, default", cross_validated(boosted, categories, y, fold)
    yield "LightGBM, small trees", cross_validated(lambda: boosted(**TUNED), categories, y, fold)


def cross_validated(model, x, y, fold):
    p, aucs, precisions, seconds, cpu = np.zeros(len(y)), [], [], 0.0, 0.0
    for k in range(FOLDS):
        fit, judge = fold != k, fold == k
        own, started, busy = model(), time.perf_counter(), time.process_time()
        own.fit(x[fit], y[fit])
        seconds += time.perf_counter() - started
        cpu += time.process_time() - busy
        p[judge] = own.predict_proba(x[judge])[:, 1]
        aucs.append(roc_auc_score(y[judge], p[judge]))
        precisions.append(average_precision_score(y[judge], p[judge]))
    return np.mean(aucs), np.mean(precisions), log_loss(y, p), seconds, cpu


def foothold(binary, path, label, positive, family):
    command = [binary, "evaluate", path, "--label", label, "--id", "row_id", "--positive", positive, "--family", family]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(subprocess.run([*command, "--folds", str(FOLDS), "--format", "json"], check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return told["auc"], told["pr_auc"], told["log_loss"], told["fit_seconds"], cpu


def main(binary):
    print("| table | rows × features, positives | model | AUC | PR-AUC | log loss | seconds | CPU s |\n|---|---|---|--:|--:|--:|--:|--:|")
    for name, table, label, positive in tables.load():
        share = (table[label].astype(str) == positive).mean()
        shape = f"{len(table):,} × {table.shape[1] - 2}, {share:.1%}"
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "table.csv")
            table.to_csv(path, index=False)
            ours = ((f"foothold {family}", foothold(binary, path, label, positive, family)) for family in ("scorecard", "logistic", "boosting"))
            results = [*ours, *peers(table, label, positive)]
        for model, (auc, precision, loss, seconds, cpu) in results:
            print(f"| {name} | {shape} | {model} | {auc:.4f} | {precision:.4f} | {loss:.4f} | {seconds:.2f} | {cpu:.2f} |", flush=True)
            name = shape = ""


if __name__ == "__main__":
    main(sys.argv[1])
