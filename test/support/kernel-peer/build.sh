#!/usr/bin/env bash
# Makes build/kernel-peer/{vmlinuz,initramfs}: Debian's kernel with its own WireGuard, and a system
# of a few files that takes commands from the outside (init, beside this file).
#
# The packages are downloaded and unpacked, not installed. Needs apt-get, dpkg-deb, cpio, kmod and
# xz, and root where apt's lists have to be fetched first. What was made by these same files before
# is left alone.
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

# The metapackage depends on the newest kernel, which has its version in its name.
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
# Lists that are absent, or so old that a version in them is gone, are fetched once.
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

# Debian's modules are compressed, which busybox's insmod does not read; their order is modprobe's.
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
