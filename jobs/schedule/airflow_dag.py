"""Foothold in Airflow: check the extracts, then run the night; retrain once a month.

The commands are the ones a person types. Exit 4 (extracts not ready) and 1 (transient) are worth a retry;
2 and 3 (configuration, data contract) are not, so they fail at once.
"""

from datetime import datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

HOME = "/opt/foothold"
GIVE_UP = {2: "usage or configuration", 3: "the data contract failed, nothing was published"}


def foothold(*arguments: str) -> str:
    """Runs one command; its JSON result becomes the task's value."""
    import subprocess

    done = subprocess.run([f"{HOME}/bin/foothold", *arguments], cwd=HOME, text=True, capture_output=True)
    print(done.stderr)
    if done.returncode in GIVE_UP:
        raise AirflowFailException(f"{GIVE_UP[done.returncode]}\n{done.stderr[-2000:]}")
    done.check_returncode()
    return done.stdout


@dag(
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=30)},
    tags=["foothold"],
)
def foothold_nightly():
    @task
    def check(ds=None):
        return foothold("check", "jobs/nightly.toml", "--as-of", ds, "--format", "json")

    @task
    def run(ds=None):
        return foothold("run", "jobs/nightly.toml", "--as-of", ds, "--format", "json")

    check() >> run()


@dag(schedule="0 4 1 * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1, tags=["foothold"])
def foothold_retrain():
    @task
    def train(ds=None):
        return foothold("train", "jobs/retrain.toml", "--as-of", ds, "--format", "json")

    train()


foothold_nightly()
foothold_retrain()
