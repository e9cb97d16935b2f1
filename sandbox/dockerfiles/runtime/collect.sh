# Lay out the smallest root that runs the given programs and a shell, as one layer whose bytes depend on its files only.
set -eu
root=$(mktemp -d)
mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/usr/bin"
chmod 1777 "$root/tmp"

cp /bin/busybox "$root/bin/"
for applet in $(/bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done

install -m 0755 "$@" /tmp/galos-sync "$root/usr/bin/"
ldd "$@" | grep -o '/[^ :)]*' | grep '\.so' | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done

echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$root" -cf /layer.tar .
rm -r "$root"
