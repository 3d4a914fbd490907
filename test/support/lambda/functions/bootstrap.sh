#!/usr/bin/env bash
# A runtime and its function in bash: it posts each event to localhost, port MESSAGE_PORT or 8080, and
# returns the response. It keeps headers in /tmp, the only writable folder.
set -euo pipefail
runtime="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
headers=$(mktemp)
while true; do
  event=$(curl -sS -D "$headers" "$runtime/invocation/next")
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *\([^[:space:]]*\).*/\1/Ip' "$headers")
  if answer=$(curl -sS --fail-with-body -X POST -d "$event" "http://localhost:${MESSAGE_PORT:-8080}/" 2>&1); then
    curl -sS -o /dev/null -d "$answer" "$runtime/invocation/$id/response"
  else
    curl -sS -o /dev/null -H 'Lambda-Runtime-Function-Error-Type: Function.Post' -d '{}' \
      "$runtime/invocation/$id/error"
  fi
done
