# What the rows of restore.py call on a host. `base` is what the host was when nothing had been done on it.
base=/var/lib/galos-tests
folders="/etc /home /root /srv /tmp /usr/local /var/tmp"

# Mounts of a test; the engine's own come and go with its containers.
mounted() { cut -d' ' -f2 /proc/mounts | grep -v '^/var/lib/docker/\(overlay2\|containers\)/\|^/run/docker/'; }
new_mounts() { mounted | LC_ALL=C sort | LC_ALL=C comm -13 "$base/mounts" -; }

# Processes that are neither ours nor in a container nor part of the host.
strangers() {
    ps -eo pid=,ppid=,sid=,pidns=,comm= | awk -v me="$$" '
        { pid[NR] = $1; ppid[NR] = $2; sid[NR] = $3; ns[NR] = $4; name[NR] = $5 }
        $1 == me { mine = $3; ours = $4 }
        $5 == "recorder" { kept[$3] }
        END {
            for (n = 1; n <= NR; n++) {
                if (ns[n] != ours || sid[n] == mine || sid[n] == 1 || sid[n] in kept) continue
                if (name[n] ~ /^(dnsmasq|dockerd|containerd|containerd-shim.*|docker-proxy|docker-init)$/) continue
                if (name[n] == "sshd" && ppid[n] == 1) continue
                print pid[n]
            }
        }'
}

# What an engine that was killed has left of the networks of a cluster, and keeps the next one of the same number away:
# network namespaces, and devices outside of one.
overlays() {
    find /run/docker/netns -name '[0-9]-*' 2>/dev/null
    ip -o link show type vxlan | sed 's/^[0-9]*: \([^:@]*\).*/\1/'
}
forget() { case $1 in /*) umount -l "$1"; rm -f "$1" ;; *) ip link delete "$1" ;; esac; }

# A line for each file: kind, mode, owner, and of what is no folder its size, time and target too; its path last.
listed() {
    find $folders -xdev \( -path /etc/hosts -o -path /etc/hostname -o -path /etc/resolv.conf \) -prune \
        -o -type d -printf '%y\t%m\t%U:%G\t\t\t\t%p\n' -o -printf '%y\t%m\t%U:%G\t%s\t%T@\t%l\t%p\n' | LC_ALL=C sort
}

record() {
    mkdir -p -m 700 "$base"
    mounted | LC_ALL=C sort >"$base/mounts"
    for home in /root /home/galos /home/asker; do
        (cd "$home" && rm -rf .aws .docker .ecr .env .galos-ops docker-compose.yml)
    done
    listed >"$base/new"
    cut -f7 "$base/new" | tar -C / -cPf "$base/files.tar" --format=posix --no-recursion --verbatim-files-from -T -
    mv "$base/new" "$base/files"
}

files_differ() { listed >"$base/now"; ! cmp -s "$base/files" "$base/now"; }

# First what is new or another than it was goes, then what is missing comes back.
restore_files() {
    LC_ALL=C comm -13 "$base/files" "$base/now" >"$base/other"
    awk -F'\t' 'NR == FNR { if ($1 == "d") folder[$7]; next } !($1 == "d" && $7 in folder) { print $7 }' \
        "$base/files" "$base/other" | xargs -r -d '\n' rm -rf --
    LC_ALL=C comm -23 "$base/files" "$base/now" | cut -f7 |
        tar -C / -xpPf "$base/files.tar" --no-recursion --verbatim-files-from -T -
    if cut -f7 "$base/other" | grep -q '^/etc/ssh/'; then kill -HUP "$(cat /run/sshd.pid)"; fi
    if cut -f7 "$base/other" | grep -q '^/etc/docker/'; then service docker restart >/dev/null; fi
}

[ -e "$base/mounts" ] || { mkdir -p -m 700 "$base"; mounted | LC_ALL=C sort >"$base/mounts"; }
