#!/usr/bin/env bash
# Builds build/kernel-peer/{vmlinuz,initramfs}: Debian's kernel with its WireGuard module, and a minimal
# system that runs commands from outside (see init in this folder).
#
# The packages are downloaded and unpacked, not installed. Requires apt-get, dpkg-deb, cpio, kmod and xz,
# and root if apt's package lists have to be downloaded. An existing build from the same files is kept.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../../.." && pwd)/build/kernel-peer
recipe=$(cat "$here/build.sh" "$here/init" "$here/echo.cgi" | sha256sum | cut -d ' ' -f 1)
if [ -s "$target/vmlinuz" ] && [ -s "$target/initramfs" ] &&
  [ "$(cat "$target/recipe" 2>/dev/null)" = "$recipe" ]; then
  exit 0
fi
if [ "$(dpkg --print-architecture)" != amd64 ]; then
  echo "the kernel peer is made on amd64 alone" >&2
  exit 1
fi

mkdir -p "$target"
work=$(mktemp -d "$target/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/unpacked" "$work/system"

# The metapackage depends on the newest kernel package, whose name contains its version.
kernel_package() {
  apt-cache depends --important linux-image-cloud-amd64 2>/dev/null |
    sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1
}
download() {
  local kernel
  kernel=$(kernel_package)
  [ -n "$kernel" ] || return 1
  (cd "$work/packages" && apt-get download -q "$kernel" busybox-static wireguard-tools)
}
# If apt's lists are missing or outdated, updates them once and retries.
download || { apt-get update -q && download; }
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done

cd "$work/unpacked"
version=$(basename usr/lib/modules/*)
system=$work/system
mkdir -p "$system"/{bin,dev,lib64,modules,proc,sys,tmp,www/cgi-bin}
ln -s bin "$system/sbin"
cp usr/bin/busybox "$system/bin/busybox"
for name in $("$system/bin/busybox" --list); do
  [ "$name" = busybox ] || ln -s busybox "$system/bin/$name"
done
cp "$here/init" "$system/init"
cp "$here/echo.cgi" "$system/www/cgi-bin/echo"
chmod 755 "$system/init" "$system/www/cgi-bin/echo"

cp usr/bin/wg "$system/bin/wg"
ldd usr/bin/wg | sed -n 's/^[^/]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
  mkdir -p "$system$(dirname "$library")"
  cp -L "$library" "$system$library"
done

# busybox's insmod cannot read Debian's compressed modules; modprobe determines their order.
depmod -b "$work/unpacked/usr" "$version"
for wanted in virtio_net wireguard; do
  modprobe --set-version "$version" --dirname "$work/unpacked/usr" --show-depends "$wanted"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r module; do
  name=$(basename "$module")
  case $name in
  *.xz) xz -dc "$module" >"$system/modules/${name%.xz}" ;;
  *) cp "$module" "$system/modules/$name" ;;
  esac
  echo "${name%.xz}" >>"$system/modules/order"
done

(cd "$system" && find . | LC_ALL=C sort | cpio --quiet --create --format newc | gzip -9) >"$work/initramfs"
mv "boot/vmlinuz-$version" "$target/vmlinuz"
mv "$work/initramfs" "$target/initramfs"
echo "$recipe" >"$target/recipe"
