#!/usr/bin/env bash
# Brings the compose file up for real, on a port, a volume and a project name of its own, has tests/compose/exercise.py
# use it, and takes all of it down again, however that went. Needs a Docker engine and either form of compose.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
seconds_max=${COMPOSE_TEST_SECONDS_MAX:-600}

docker info >/dev/null 2>&1 || { echo "No Docker engine answers here (docker info)." >&2; exit 1; }
if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
elif docker-compose version >/dev/null 2>&1; then
  compose=(docker-compose)
else
  echo "Neither docker compose nor docker-compose works here." >&2
  exit 1
fi

# What the caller's shell happens to hold must not decide what is tested.
for name in $(grep -oE '\$\{[A-Z_]+' docker-compose.yml | tr -d '${' | sort -u); do
  case $name in PIP_* | PYTHON_TAG) ;; *) unset "$name" ;; esac
done
unset COMPOSE_FILE COMPOSE_PROFILES COMPOSE_ENV_FILES

work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=wallet-test-$$
# One tag for all runs: the next one builds on what is there.
export WALLET_IMAGE=wallet:compose-test
export ENV_FILE=$work/.env
export COMPOSE_COMMAND="${compose[*]}"
exercise=
API_PORT=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export API_PORT

take_down() {
  local code=$?
  # Ignored from here on: make passes on a signal that has come already, and taking down must end.
  trap - EXIT
  trap '' INT TERM
  if [ -n "$exercise" ]; then
    kill "$exercise" 2>/dev/null || true
    wait "$exercise" || true
  fi
  if [ -e "$ENV_FILE" ]; then
    timeout --kill-after=10 120 "${compose[@]}" --env-file "$ENV_FILE" down --volumes --remove-orphans --timeout 5 \
      >"$work/down.log" 2>&1 || {
      echo "The containers of $COMPOSE_PROJECT_NAME could not be taken down:"
      cat "$work/down.log"
      code=1
    }
  fi
  rm -rf "$work"
  exit "$code"
}
trap take_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The same target that a newcomer uses, but not in the tree: an .env there may be somebody's own.
cp Makefile .env.example "$work/"
make --no-print-directory -C "$work" PYTHON="$python" env >/dev/null

# In the background, because only then does a signal reach this script at once.
timeout --kill-after=10 "$seconds_max" "$python" -m tests.compose.exercise &
exercise=$!
wait "$exercise"
