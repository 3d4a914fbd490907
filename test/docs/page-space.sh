# Prepares the namespaces in which a page runs, then becomes the page's shell: page-space.sh REPOSITORY FOLDER.
# Changes to /etc, /run and /tmp disappear with the namespaces, and other processes cannot see the page's ports.
set -eu
ip link set lo up
mount -t tmpfs none /mnt
mkdir /mnt/arctun /mnt/page /mnt/etc
mount --bind "$1" /mnt/arctun
mount -o remount,bind,ro /mnt/arctun
mount --bind "$2" /mnt/page
cp -a /etc/. /mnt/etc
# ssh reads the home folder from this file, not from HOME.
sed -i 's|^\(root:.*\):[^:]*:\([^:]*\)$|\1:/mnt/page/home:\2|' /mnt/etc/passwd
# The address that the public DNS returns.
echo '100.127.69.42 uni.soracom.io unified.soracom.io' >>/mnt/etc/hosts
mount --bind /mnt/etc /etc
mount -t tmpfs none /run
mount -t tmpfs -o mode=1777 none /tmp
cd /mnt/page/work
exec bash --noprofile --norc -eu
