#!/usr/bin/env bash
# Foothold beside scikit-learn and LightGBM: each part's figures go between its marks in docs/models-benchmarks.md.
#   benches/peers/run.sh [PART...]   compare many crm5 solver; all of them where none is named
# FOOTHOLD_SHARED_DATA is the folder with telco/ and crm5/, ../shared/data where it is not set; parts of absent data are skipped.
# FOOTHOLD is the program that is measured; a release is built where it is not set.
# PEERS_VENV names a virtual environment with the pinned packages; one is made where it does not.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=benches/peers
export FOOTHOLD_SHARED_DATA="${FOOTHOLD_SHARED_DATA:-../shared/data}"
venv="${PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/foothold-peers-$(sha256sum $here/requirements.txt | cut -c1-12)}"
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r $here/requirements.txt; }
export RAYON_NUM_THREADS=2 OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

program() {
  [ -n "${FOOTHOLD:-}" ] || cargo build --release --locked >&2
  echo "${FOOTHOLD:-${CARGO_TARGET_DIR:-target}/release/foothold}"
}

[ $# -gt 0 ] || set -- compare many crm5 solver
for part in "$@"; do
  case $part in
    compare | many | crm5) built=$(program); "$venv/bin/python" "$here/$part.py" "$built" > "$work/$part.md" ;;
    solver) cargo bench --bench solver --locked -- "$work" >&2; "$venv/bin/python" $here/solver.py "$work" > "$work/solver.md" ;;
    *) echo "run.sh: there is no part \`$part\`; parts are compare many crm5 solver" >&2; exit 2 ;;
  esac
  "$venv/bin/python" $here/page.py "$part" < "$work/$part.md"
done
