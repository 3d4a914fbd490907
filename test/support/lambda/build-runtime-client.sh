#!/usr/bin/env bash
# Builds build/lambda-runtime-client: AWS's own runtime client for Node.js (aws-lambda-ric on npm), which
# Lambda's managed runtimes use to call the Runtime API.
#
# The package's install script builds its own curl, which takes a minute; this script links Debian's
# libcurl. Packages are downloaded and unpacked, not installed. Requires npm, g++, xz, apt-get, dpkg-deb
# and libcurl.so.4 (from Debian's curl), and root if apt's package lists have to be downloaded. An
# existing build by the same script and Node.js version is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../../.." && pwd)/build/lambda-runtime-client
recipe=$( (cat "$here/build-runtime-client.sh" && node --version) | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$target/recipe" 2>/dev/null)" = "$recipe" ]; then
  exit 0
fi

mkdir -p "$target"
work=$(mktemp -d "$target/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/npm" "$work/packages" "$work/unpacked" "$work/runtime" "$work/objects"

# Exact versions without their dependencies: node-gyp is not needed.
(cd "$work/npm" && npm pack --silent \
  aws-lambda-ric@4.0.2 @aws/lambda-invoke-store@0.2.2 node-addon-api@8.9.2)
unpack() {
  mkdir -p "$work/node_modules/$2"
  tar --warning=no-unknown-keyword -xzf "$work"/npm/$1 --strip-components 1 --no-same-owner -C "$work/node_modules/$2"
}
unpack 'aws-lambda-ric-*.tgz' aws-lambda-ric
unpack 'aws-lambda-invoke-store-*.tgz' @aws/lambda-invoke-store
unpack 'node-addon-api-*.tgz' node-addon-api
client=$work/node_modules/aws-lambda-ric
tar -xJf "$client/deps/aws-lambda-cpp.tar.xz" --no-same-owner -C "$work/runtime"

# Uses the headers shipped with this Node.js, otherwise Debian's.
wanted=(libcurl4-openssl-dev)
headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")/include/node
if [ ! -e "$headers/node.h" ]; then
  wanted+=(libnode-dev)
  headers=$work/unpacked/usr/include/node
fi
download() { (cd "$work/packages" && apt-get download -q "${wanted[@]}"); }
# If apt's lists are missing or outdated, updates them once and retries.
download || { apt-get update -q && download; }
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
curl_headers=$(dirname "$(dirname "$(find "$work/unpacked" -path '*/curl/curl.h')")")

# The version file that the CMake project would generate; only the log uses it.
cat >"$work/objects/version.cpp" <<'END'
namespace aws { namespace lambda_runtime {
unsigned get_version_major() { return 0; }
unsigned get_version_minor() { return 0; }
unsigned get_version_patch() { return 0; }
char const* get_version() { return "0.0.0"; }
}}
END
compile() {
  g++ -std=c++17 -O1 -fPIC -fexceptions -w -DNAPI_CPP_EXCEPTIONS \
    -I "$work/runtime/include" -I "$curl_headers" -I "$headers" \
    -I "$work/node_modules/node-addon-api" -c "$1" -o "$work/objects/$(basename "$1").o"
}
compile "$client/src/native/rapid-client.cc" &
compile "$work/runtime/src/runtime.cpp" &
compile "$work/runtime/src/logging.cpp"
compile "$work/objects/version.cpp"
wait %1 && wait %2
g++ -shared -o "$client/rapid-client.node" "$work"/objects/*.o -l:libcurl.so.4 -pthread

rm -rf "$client/deps" "$target/node_modules"
mv "$work/node_modules" "$target/node_modules"
echo "$recipe" >"$target/recipe"
