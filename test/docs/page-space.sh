# Makes the place in which a page runs, and becomes its shell: page-space.sh REPOSITORY FOLDER, in namespaces of its own.
# What a page does to /etc, /run and /tmp is lost with the namespace, and no other process sees its ports.
set -eu
ip link set lo up
mount -t tmpfs none /mnt
mkdir /mnt/arctun /mnt/page /mnt/etc
mount --bind "$1" /mnt/arctun
mount -o remount,bind,ro /mnt/arctun
mount --bind "$2" /mnt/page
cp -a /etc/. /mnt/etc
# ssh takes the home from here, and not from HOME.
sed -i 's|^\(root:.*\):[^:]*:\([^:]*\)$|\1:/mnt/page/home:\2|' /mnt/etc/passwd
# As the public DNS has it.
echo '100.127.69.42 uni.soracom.io unified.soracom.io' >>/mnt/etc/hosts
mount --bind /mnt/etc /etc
mount -t tmpfs none /run
mount -t tmpfs -o mode=1777 none /tmp
cd /mnt/page/work
exec bash --noprofile --norc -eu
