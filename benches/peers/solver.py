"""scikit-learn's LogisticRegression on the encoded matrix that `cargo bench --bench solver` has just been timed on.

Dense is the design as foothold's solver sees it; one-hot is the sparse matrix of the same codes, a lighter job for
scikit-learn. Both run on two threads with the same penalty on summed log loss. CPU seconds are of all threads.
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
    model, started, busy = LogisticRegression(C=1 / ridge, max_iter=2000), time.perf_counter(), time.process_time()
    with threadpool_limits(2):
        model.fit(matrix, labels)
    return time.perf_counter() - started, time.process_time() - busy, int(model.n_iter_[0])


def line(shape, coefficients, solver, told, own):
    """One fit, and how many times foothold's CPU seconds it took."""
    seconds, cpu, steps = told
    print(f"| {shape} | {coefficients:,} | {solver} | {seconds:.2f} | {cpu:.2f} | {cpu / own:.1f} × | {steps} |", flush=True)


def main(folder):
    print("| rows × columns | coefficients | solver | seconds | CPU s | CPU beside foothold | steps |\n|---|--:|---|--:|--:|--:|--:|")
    for header in sorted(Path(folder).glob("*.json"), key=lambda path: path.stat().st_size):
        told = json.loads(header.read_text())
        rows, columns = told["rows"], told["columns"]
        codes = np.fromfile(header.with_suffix(".codes"), np.uint8).reshape(columns, rows)
        labels = np.fromfile(header.with_suffix(".labels"), np.uint8)
        shape = f"{rows:,} × {columns}"
        own = told["cpu_seconds"]
        line(shape, told["coefficients"], "foothold", (told["seconds"], own, told["steps"]), own)
        kind = np.float64 if rows <= 100_000 else np.float32
        dense = np.concatenate([np.asarray(basis, kind)[codes[k]] for k, basis in enumerate(told["bases"])], axis=1)
        name = f"scikit-learn, dense {dense.dtype}"
        line(shape, dense.shape[1], name, fit(dense, labels, told["ridge"]), own)
        del dense
        starts = np.cumsum([0] + [len(basis) for basis in told["bases"]])
        places = (codes.astype(np.int32) + starts[:-1, None].astype(np.int32)).T.ravel()
        onehot = csr_matrix((np.ones(len(places)), places, np.arange(0, len(places) + 1, columns)), (rows, starts[-1]))
        line(shape, int(starts[-1]), "scikit-learn, one-hot sparse", fit(onehot, labels, told["ridge"]), own)


if __name__ == "__main__":
    main(sys.argv[1])
