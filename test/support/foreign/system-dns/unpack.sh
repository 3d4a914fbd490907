#!/usr/bin/env bash
# Unpacks Debian's systemd-resolved and openresolv into build/system-dns. Installing them would change this machine's
# own name lookups.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
folder=build/system-dns
[ ! -e "$folder/ready" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/packages"
(cd "$folder/packages" && apt-get download -q systemd-resolved openresolv)
dpkg-deb -x "$folder"/packages/systemd-resolved_*.deb "$folder/resolved"
dpkg-deb -x "$folder"/packages/openresolv_*.deb "$folder/openresolv"
touch "$folder/ready"
