#!/usr/bin/env bash
# Installs a lock file into an environment: tools/install.sh requirements.lock [.venv-bench]; VENV names the project's own, .venv.
# Needs python3 (3.11+, with venv and pip) and a package index. uv does the work, itself pinned by the lock and fetched by pip.
# pip's own configuration says where packages come from; uv is told the same, and nothing of it is written down here.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1
own=${VENV:-.venv}
venv=${2:-$own}
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Claimvet needs Python 3.11 or newer, and $python is $("$python" --version 2>&1); name another one with make PYTHON=..." >&2
    exit 1
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
setting() { # the environment's value where there is one, else the one of pip's configuration files
    local from_environment="PIP_$(echo "$1" | tr 'a-z-' 'A-Z_')"
    echo "${!from_environment:-$(pip config get "global.$1" 2>/dev/null || pip config get "install.$1" 2>/dev/null || true)}" | tr '\n' ' '
}
tell_uv() { # tell_uv PIP_SETTING UV_VARIABLE: what the environment says to uv itself comes first
    local value
    value=$(setting "$1" | sed 's/ *$//')
    if [ -z "${!2:-}" ] && [ -n "$value" ]; then export "$2=$value"; fi
}

if [ -z "${UV_INDEX_URL:-}" ]; then tell_uv index-url UV_DEFAULT_INDEX; fi
if [ -z "${UV_EXTRA_INDEX_URL:-}" ]; then tell_uv extra-index-url UV_INDEX; fi
tell_uv find-links UV_FIND_LINKS
tell_uv trusted-host UV_INSECURE_HOST
tell_uv cert SSL_CERT_FILE
export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match} # as pip does; every file is checked against its hash
export UV_NO_CONFIG=1 UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180}

if [ ! -x "$own/bin/uv" ]; then
    sed -n '/^uv==/,/^ *# via/p' requirements.lock > "$own/uv.lock"
    pip install -qq --require-hashes --no-deps -r "$own/uv.lock"
fi
"$own/bin/uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes -r "$lock" || {
    echo "uv could not install $lock from here; pip tries, which takes longer" >&2
    pip install -qq --require-hashes --no-deps -r "$lock"
}
if [ "$venv" = "$own" ]; then # the project itself lives in its own environment only
    "$own/bin/uv" pip install --quiet --python "$own/bin/python" --no-deps --no-build-isolation --editable .
fi
