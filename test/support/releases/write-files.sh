#!/usr/bin/env bash
# Writes the files of the release that is built here to FOLDER, for the tests of later releases:
#   npm run build && bash test/support/releases/write-files.sh test/support/releases/VERSION
# The keys are those of virtual SIMs in the emulator. Run it once for each release that writes other files.
set -euo pipefail
folder=$(realpath -m "$1")
run=$(realpath "$(dirname "$0")/../../../bin/run.js")
work=$(mktemp -d)
trap 'kill "${emulator:-}" "${up:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
arctun() { node "$run" "$@"; }
until_true() {
  for _ in $(seq 600); do "$@" && return; sleep 0.2; done
  echo "not true after 120 s: $*" >&2
  return 1
}

node "$run" emulator --api-listen 127.0.0.1:0 --arc-listen 127.0.0.1:0 --json >ready.json &
emulator=$!
until_true test -s ready.json
member() { node -p "JSON.parse(require('node:fs').readFileSync('ready.json', 'utf8')).$1"; }
export STATE_DIRECTORY=$work/state RUNTIME_DIRECTORY=$work/run
ARCTUN_ENDPOINT=$(member api) ARCTUN_AUTH_KEY_ID=$(member authKeyId) ARCTUN_AUTH_KEY=$(member authKey)
export ARCTUN_ENDPOINT ARCTUN_AUTH_KEY_ID ARCTUN_AUTH_KEY
mkdir state

# arc.json, the time of the last handshake, and the traffic.
arctun bootstrap authkey
arctun send '{"temperature": 21.5}'
cp arc.json first.json

# A renewed session that cannot be written to arc.json.
curl -sS -f "$ARCTUN_ENDPOINT/emulator/arc" --json '{"serverKey": "new"}'
ARCTUN_CONFIG=$(cat arc.json) node "$run" up --mode userspace --forward-listen 127.0.0.1:0 --proxy-listen off --wait 0 &
up=$!
until_true compgen -G 'state/session-*.json' >/dev/null
kill "$up"
wait "$up"
cmp arc.json first.json

# The journal of a bootstrap whose response did not arrive.
mkdir interrupted
curl -sS -f "$ARCTUN_ENDPOINT/emulator/faults" --json '{"operation": "createSim", "cut": "after"}'
! arctun bootstrap authkey --config interrupted/arc.json

# The journal of a key renewal whose response did not arrive. It holds a private key.
mkdir renewal
cp arc.json renewal/
curl -sS -f "$ARCTUN_ENDPOINT/emulator/faults" --json '{"operation": "renewArcSimCredentials", "times": 9, "cut": "before"}'
! arctun sim renew-key --yes --config renewal/arc.json

mkdir -p "$folder"
cp arc.json "$folder/arc.json"
cp interrupted/.arc.json.bootstrap "$folder/create-sim.bootstrap"
cp renewal/.arc.json.bootstrap "$folder/renew-key.bootstrap"
# The first line names the process by this machine's boot ID.
sed -i -E '1s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/00000000-0000-0000-0000-000000000000/' "$folder"/*.bootstrap
rm -rf "$folder/state"
cp -r state "$folder/state"
rm -rf "$folder/state/run"
