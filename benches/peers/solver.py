"""scikit-learn's LogisticRegression on the encoded matrix that `cargo bench --bench solver` has just been timed on.

Dense is the design as foothold's solver sees it; one-hot is the sparse matrix of the same codes, a lighter job for
scikit-learn. Both run on two threads with the same penalty on summed log loss.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")


def fit(matrix, labels, ridge):
    model, started = LogisticRegression(C=1 / ridge, max_iter=2000), time.perf_counter()
    with threadpool_limits(2):
        model.fit(matrix, labels)
    return time.perf_counter() - started, int(model.n_iter_[0])


def main(folder):
    print("| rows × columns | coefficients | solver | seconds | steps |\n|---|---|---|---|---|")
    for header in sorted(Path(folder).glob("*.json"), key=lambda path: path.stat().st_size):
        told = json.loads(header.read_text())
        rows, columns = told["rows"], told["columns"]
        codes = np.fromfile(header.with_suffix(".codes"), np.uint8).reshape(columns, rows)
        labels = np.fromfile(header.with_suffix(".labels"), np.uint8)
        shape = f"{rows:,} × {columns}"
        print(f"| {shape} | {told['coefficients']} | foothold | {told['seconds']:.2f} | {told['steps']} |", flush=True)
        kind = np.float64 if rows <= 100_000 else np.float32
        dense = np.concatenate([np.asarray(basis, kind)[codes[k]] for k, basis in enumerate(told["bases"])], axis=1)
        seconds, steps = fit(dense, labels, told["ridge"])
        print(f"| {shape} | {dense.shape[1]} | scikit-learn, dense | {seconds:.2f} | {steps} |", flush=True)
        del dense
        starts = np.cumsum([0] + [len(basis) for basis in told["bases"]])
        places = (codes.astype(np.int32) + starts[:-1, None].astype(np.int32)).T.ravel()
        onehot = csr_matrix((np.ones(len(places)), places, np.arange(0, len(places) + 1, columns)), (rows, starts[-1]))
        seconds, steps = fit(onehot, labels, told["ridge"])
        print(f"| {shape} | {starts[-1]} | scikit-learn, one-hot sparse | {seconds:.2f} | {steps} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
