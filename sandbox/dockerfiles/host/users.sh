set -eu
for user in galos asker; do
    useradd --create-home --shell /bin/bash --groups docker "$user"
done
echo "asker:$ASKER_PASSWORD" | chpasswd
echo 'galos ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/galos
echo 'asker ALL=(ALL) ALL' >/etc/sudoers.d/asker
chmod 0440 /etc/sudoers.d/galos /etc/sudoers.d/asker
