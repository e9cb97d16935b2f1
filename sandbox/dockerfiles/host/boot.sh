#!/bin/sh
# PID 1 of a sandbox host: makes /sys and /proc/sys writable for the engine, then starts dnsmasq, sshd and the engine.
set -eu

for mounted in /sys /sys/fs/cgroup /sys/fs/cgroup/*/ /proc/sys; do
    mount -o remount,bind,rw "$mounted" 2>/dev/null || true
done

# cgroup v2 gives controllers to children only of a group that holds no process itself.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/init
    xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
    sed -e 's/ / +/g' -e 's/^/+/' </sys/fs/cgroup/cgroup.controllers \
        >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
fi

# What update-ca-certificates would do in a second; the file in /usr/local/share survives its next run.
authority=/usr/local/share/ca-certificates/sandbox.crt
if [ ! -e /etc/ssl/certs/sandbox.pem ]; then
    cat "$authority" >>/etc/ssl/certs/ca-certificates.crt
    ln -s "$authority" /etc/ssl/certs/sandbox.pem
fi

for type in ed25519 ecdsa; do
    key=/etc/ssh/ssh_host_${type}_key
    [ -e "$key" ] || ssh-keygen -q -t "$type" -N '' -C "$(hostname)" -f "$key"
done

mkdir -p /run/sshd
dnsmasq --cache-size=0 --conf-file=/dev/null --no-hosts --user=root --pid-file=/run/dnsmasq.pid
/usr/sbin/sshd
trap 'service docker stop; exit 0' TERM INT
service docker start || true
while :; do
    sleep 86400 &
    wait $!
done
