#!/usr/bin/env bash
# Foothold beside scikit-learn and LightGBM, written to docs/models-benchmarks.md.
#   benches/peers/run.sh [DATA]     DATA: the folder with telco/Telco-Customer-Churn.csv; ../shared/data where left out
# PEERS_VENV names a virtual environment with the pinned packages; one is made where it does not.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=benches/peers
export FOOTHOLD_SHARED_DATA="${1:-../shared/data}"
venv="${PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/foothold-peers-$(sha256sum $here/requirements.txt | cut -c1-12)}"
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r $here/requirements.txt; }
export RAYON_NUM_THREADS=2 OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

cargo build --release --locked
cargo bench --bench solver --locked -- "$work"
report=docs/models-benchmarks.md
{
  echo "# Models beside their peers"
  echo
  echo "Written by \`benches/peers/run.sh\`: $(date -u +%F), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1),"
  echo "$(rustc --version), $(grep -E '^(scikit-learn|lightgbm|numpy)==' $here/requirements.txt | tr '\n' ' '), two threads each."
  echo
  echo "## The same folds"
  echo "Means over five stratified folds, log loss over all rows; seconds are the training of all five folds. Foothold's include the choice"
  echo "of penalty, pairs or rounds on inner folds and calibration; the peers run with the settings that \`compare.py\` shows. CPU seconds are"
  echo "what compares on a shared machine: of the whole \`foothold evaluate\`, reading and a sixth fit on all rows included, and of the peers' fits."
  echo
  "$venv/bin/python" $here/compare.py "${CARGO_TARGET_DIR:-target}/release/foothold"
  echo
  echo "## Many public tables"
  echo "The same folds of the tables that \`many.csv\` lists, from R's data packages; each model with one setting for all."
  echo
  "$venv/bin/python" $here/many.py "${CARGO_TARGET_DIR:-target}/release/foothold"
  echo
  echo "## The same encoded matrix"
  echo "One fit of one penalty, on numbers in 12 quantile bins each; CPU seconds are of all threads. scikit-learn stops at its default tolerance, foothold where no coefficient moves by 1e-5."
  echo
  "$venv/bin/python" $here/solver.py "$work"
} > "$work/report.md"
mv "$work/report.md" "$report"
echo "$report"
