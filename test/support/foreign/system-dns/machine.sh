#!/usr/bin/env bash
# Turns its mount namespace into a machine with systemd-resolved or openresolv, which /etc/resolv.conf leads to:
# machine.sh resolved|openresolv FOLDER. FOLDER contains the unpacked packages. Runs until its standard input ends.
set -euo pipefail
manager=$1
folder=$2
mount -t tmpfs tmpfs /run
for part in usr etc; do
  mkdir -p "/run/overlay/$part"/{upper,work}
  layers=lowerdir=$folder/$manager/$part:/$part,upperdir=/run/overlay/$part/upper,workdir=/run/overlay/$part/work
  mount -t overlay overlay -o "$layers" "/$part"
done
rm -f /etc/resolv.conf
if [ "$manager" = resolved ]; then
  echo 'systemd-resolve:x:992:992::/:/usr/sbin/nologin' >>/etc/passwd
  echo 'systemd-resolve:x:992:' >>/etc/group
  install -d -o systemd-resolve -g systemd-resolve /run/systemd/resolve
  install -d /run/dbus /etc/systemd
  # Without these settings, it asks the link's neighbors, which the counters of the outer wire do not allow.
  printf '[Resolve]\nLLMNR=no\nMulticastDNS=no\n' >/etc/systemd/resolved.conf
  ln -s /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
  dbus-daemon --config-file="$(dirname "$0")/bus.conf" --nofork --nopidfile &
  until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
  SYSTEMD_LOG_TARGET=console /usr/lib/systemd/systemd-resolved &
  until resolvectl --no-pager status >/dev/null 2>&1; do sleep 0.05; done
else
  echo 'nameserver 192.0.2.53' >/etc/resolv.conf
  resolvconf -a eth0 <<<'nameserver 192.0.2.53'
fi
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
echo ready
cat >/dev/null
