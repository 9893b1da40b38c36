"""The tables of a published night written once more by DuckDB: what so many rows of Parquet cost by themselves.

    python benches/peers/write_tables.py TABLES OUT

TABLES is `tables/` of a job's output. Every table of its day is read into memory first; then all are written as Parquet
with zstd. The seconds and CPU seconds printed are those of writing: nothing is computed, checked, hashed or kept twice.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import duck


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    connection, rows, places = duck.connect(), 0, sorted(args.tables.glob("*/dt=*/*.parquet"))
    for path in places:
        rows += connection.execute(f"create table {path.stem} as from read_parquet('{path}', hive_partitioning = false)").fetchone()[0]
    began, used = time.perf_counter(), time.process_time()
    for path in places:
        connection.execute(f"copy {path.stem} to '{args.out / path.name}' (format parquet, compression zstd)")
    json.dump({"rows": rows, "seconds": time.perf_counter() - began, "cpu": time.process_time() - used}, sys.stdout)


if __name__ == "__main__":
    main()
