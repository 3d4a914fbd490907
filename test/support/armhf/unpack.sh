#!/usr/bin/env bash
# Unpacks Debian's Node.js for 32-bit ARM with its libraries, and koffi's native code from npm, into build/armhf.
# build/armhf/node runs this Node.js in qemu. Nothing is installed: apt keeps its lists and packages in that folder, too,
# because they are those of another architecture.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../../.." && pwd)
target=$repository/build/armhf
. /etc/os-release
recipe=$(cat "$here/unpack.sh" "$repository/package-lock.json" /etc/os-release | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$target/recipe" 2>/dev/null)" = "$recipe" ]; then exit 0; fi

rm -rf "$target"
work=$target/work
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$target/root/usr/lib"
touch "$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $VERSION_CODENAME main" \
  >"$work/sources.list"
cat >"$work/apt.conf" <<END
APT::Architecture "armhf";
APT::Architectures { "armhf"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$work";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
END
export APT_CONFIG=$work/apt.conf
apt-get update -q
apt-get install -q --yes --download-only nodejs
# Debian's packages expect that /lib is a link.
ln -s usr/lib "$target/root/lib"
for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$target/root"; done

koffi=node_modules/@koromix/koffi-linux-arm
locked() { node -p "require('$repository/package-lock.json').packages['$koffi'].$1"; }
(cd "$work" && npm pack --silent --ignore-scripts "@koromix/koffi-linux-arm@$(locked version)" >/dev/null)
archive=$(echo "$work"/koromix-koffi-linux-arm-*.tgz)
node -e "
  const hash = require('node:crypto').createHash('sha512').update(require('node:fs').readFileSync(process.argv[1]));
  if (process.argv[2] !== 'sha512-' + hash.digest('base64')) throw new Error('package-lock.json has another checksum');
" "$archive" "$(locked integrity)"
mkdir -p "$target/$koffi"
tar -xzf "$archive" -C "$target/$koffi" --strip-components=1

cat >"$target/node" <<'END'
#!/bin/sh
folder=$(dirname "$(readlink -f "$0")")
exec qemu-arm-static -L "$folder/root" "$folder/root/usr/bin/node" "$@"
END
chmod 755 "$target/node"
rm -rf "$work"
echo "$recipe" >"$target/recipe"
