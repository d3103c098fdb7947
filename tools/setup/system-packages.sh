#!/bin/sh
# Installs what pip cannot, when it is absent: system-packages.sh [chromium] [etcd] [faketime] [haproxy] [nginx] [node] [npm] [postgresql] [prometheus] [redis] [strace] [venv] [wrk]
# Debian, Ubuntu and their like: by apt-get, with sudo when not root. Elsewhere it says what to install.
set -eu

any_of() { # any_of NAME...: whether one of these programs is here
    for program in "$@"; do
        if command -v "$program" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

packages=""
for want in "$@"; do
    case $want in
        chromium) any_of chromium chromium-browser google-chrome google-chrome-stable || packages="$packages chromium" ;;
        etcd) # Debian has the server and etcdctl in two packages
            any_of etcd || packages="$packages etcd-server"
            any_of etcdctl || packages="$packages etcd-client" ;;
        faketime) ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || packages="$packages faketime" ;;
        haproxy | nginx) # Debian keeps both off a user's path
            any_of "$want" || [ -x "/usr/sbin/$want" ] || packages="$packages $want" ;;
        node) any_of node || packages="$packages nodejs" ;;
        npm) any_of npm || packages="$packages npm" ;;
        postgresql)
            # Debian keeps the server's programs off the path
            any_of initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$packages postgresql" ;;
        prometheus) any_of promtool || packages="$packages prometheus" ;;
        redis) any_of redis-server || packages="$packages redis-server" ;;
        strace) any_of strace || packages="$packages strace" ;;
        wrk) any_of wrk || packages="$packages wrk" ;;
        venv) python3 -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv" ;;
        *) echo "system-packages.sh does not know '$want'." >&2; exit 2 ;;
    esac
done
if [ -z "$packages" ]; then exit 0; fi

if ! any_of apt-get; then
    echo "Please install, with your system's package manager:$packages. Then run the same command again." >&2
    exit 1
fi

as_root="env"
if [ "$(id -u)" -ne 0 ]; then
    if ! any_of sudo; then
        echo "Please have an administrator run: apt-get install$packages. Then run the same command again." >&2
        exit 1
    fi
    as_root="sudo env"
fi

echo "Installing with apt-get:$packages"
apt() { # waits for another installation to end, and asks a mirror that fails again
    # shellcheck disable=SC2086 # words meant to be split
    $as_root DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 "$@"
}
for seconds in 5 30 0; do
    apt update || echo "The package lists could not be refreshed; going on with those that are here." >&2
    # shellcheck disable=SC2086 # words meant to be split
    if apt install --yes --no-install-recommends $packages >/dev/null; then exit 0; fi
    if [ "$seconds" -gt 0 ]; then echo "That failed; once more in $seconds s." >&2; sleep "$seconds"; fi
done
echo "apt-get could not install:$packages" >&2
exit 1
