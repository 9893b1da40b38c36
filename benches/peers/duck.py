"""What the DuckDB peers share: a connection on two threads, and tables of a world as views."""

import os
from pathlib import Path

import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"set threads = {int(os.environ.get('BENCH_THREADS', '2'))}")
    connection.execute("set preserve_insertion_order = false")
    return connection


def files(world: Path, table: str) -> str:
    single = world / f"{table}.parquet"
    return str(single if single.exists() else world / table / "**" / "*.parquet")


def source(world: Path, table: str) -> str:
    return f"read_parquet('{files(world, table)}', hive_partitioning = false)"
