#!/usr/bin/env bash
# Builds build/static-go/fetch from main.go with Debian's Go compiler, without the C library. An existing
# build of the same source by the same compiler is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../../../.." && pwd)/build/static-go
recipe=$( (cat "$here/main.go" "$here/build.sh" && go version) | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$target/recipe" 2>/dev/null)" = "$recipe" ]; then
  exit 0
fi

mkdir -p "$target"
cache=$(mktemp -d "$target/cache.XXXXXX")
# Go makes the folders of its cache read-only.
trap 'chmod -R u+w "$cache"; rm -rf "$cache"' EXIT
CGO_ENABLED=0 GOCACHE=$cache GOPATH=$cache/path GOTOOLCHAIN=local \
  go build -o "$target/fetch" "$here/main.go"
echo "$recipe" >"$target/recipe"
