"""The text classifier beside scikit-learn: same features, same data, CPU seconds of one training each.

    python benches/peers/text.py ../shared/data/banking77

Builds `cargo bench --bench text` in release mode, runs it on train.csv and test.csv of the folder, and trains
scikit-learn on the same columns: TF-IDF with sublinear counts of words and pairs of words, and of words and fragments.
Two peers: logistic regression, which is what Foothold fits, and LinearSVC, the fastest linear classifier there.
"""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

WORD = r"(?u)\b\w+\b"


def plain(text):
    """Words only, so that fragments stop at punctuation as Foothold's do."""
    return " ".join(re.findall(r"\w+", text.lower()))


FEATURES = {
    "words": lambda: TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD),
    "words and fragments": lambda: make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD, min_df=2),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2, preprocessor=plain),
    ),
}
CLASSIFIERS = {
    "LinearSVC": lambda: LinearSVC(C=1.0),
    "one-vs-rest logistic, liblinear": lambda: OneVsRestClassifier(LogisticRegression(C=10.0, solver="liblinear")),
    "logistic, lbfgs": lambda: LogisticRegression(C=10.0, max_iter=1000),
}


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], [row[1] for row in rows]


def cpu():
    times = os.times()
    return times.user + times.system


def peer(features, classifier, train, test):
    (texts, labels), (later, truth) = train, test
    vectorizer, model = FEATURES[features](), CLASSIFIERS[classifier]()
    begun = cpu()
    columns = vectorizer.fit_transform(texts)
    read_at = cpu()
    model.fit(columns, labels)
    done = cpu()
    right = (model.predict(vectorizer.transform(later)) == truth).mean()
    return columns.shape[1], read_at - begun, done - read_at, right


def ours(folder):
    command = ["cargo", "bench", "--quiet", "--bench", "text", "--", f"{folder}/train.csv", f"{folder}/test.csv"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def main():
    folder = Path(sys.argv[1]).resolve()
    train, test = read(folder / "train.csv"), read(folder / "test.csv")
    print("| features | classifier | columns | TF-IDF, CPU s | fit, CPU s | all, CPU s | accuracy |")
    print("|---|---|--:|--:|--:|--:|--:|")

    def show(features, name, columns, vectors, fit, accuracy):
        figures = f"{columns} | {vectors:.2f} | {fit:.2f} | {vectors + fit:.2f} | {accuracy:.4f}"
        print(f"| {features} | {name} | {figures} |", flush=True)

    for row in ours(folder):
        name = "**Foothold**, one-vs-rest logistic"
        figures = (row["columns"], row["vectors_cpu_seconds"], row["fit_cpu_seconds"], row["accuracy"])
        show(row["features"], name, *figures)
    for features in FEATURES:
        for classifier in CLASSIFIERS:
            show(features, classifier, *peer(features, classifier, train, test))


if __name__ == "__main__":
    main()
