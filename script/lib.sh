# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034
#
# What script/bootstrap, script/test and script/demo share. To be sourced.
#
#   say TEXT               one line of progress
#   fail TEXT              one line that says what went wrong; ends the script with status 1
#   run_step TEXT COMMAND  says TEXT, runs COMMAND with its output in $step_log; leaves why it failed in $step_failure
#   version_at_least A B   true when the dotted version A is B or newer
#   keyway_cache           prints the folder in which built dependencies are kept
#   use_dependencies       lets pkg-config (and so meson) find a Botan that script/bootstrap has built

# Oldest Botan that Keyway accepts: the first with the fixes of CVE-2026-32883, -32884 and -44378.
botan_minimum=3.12

# What Botan is built with when the distribution's is too old. Changing anything here changes the name of the cached build.
botan_options=(--minimized-build --build-targets=shared --without-documentation --build-tool=ninja --cc=gcc)
botan_modules=(
    rsa dsa dh ecdsa ecdh ed25519 ed448 x25519 x448 ml_dsa ml_kem slh_dsa_sha2 slh_dsa_shake
    x509 certstor_flatfile certstor_system http_util socket pem hex base64 keypair
    pbes2 pbkdf2 scrypt argon2 aes des gcm ccm cbc ctr chacha20poly1305 nist_keywrap rfc3394
    sha1 sha2_32 sha2_64 sha3 shake shake_xof hmac cmac kmac hkdf kdf2 raw_hash
    emsa_pkcs1 emsa_pssr emsa_raw eme_oaep eme_pkcs1 eme_raw
    auto_rng system_rng processor_rng rdseed hmac_drbg rfc6979 locking_allocator thread_utils uuid
    pcurves_secp192r1 pcurves_secp224r1 pcurves_secp256r1 pcurves_secp384r1 pcurves_secp521r1 pcurves_secp256k1
    pcurves_brainpool256r1 pcurves_brainpool384r1 pcurves_brainpool512r1 pcurves_generic
    tls12 tls13 tls13_pqc tls_cbc
)
# Faster forms of the above, taken where the source knows them and the processor can have them.
botan_fast_modules='^(aes|argon2|chacha|ctr|ghash|keccak_perm|poly1305|sha1|sha2_32|sha2_64)_'
botan_fast_modules+='(ni|vaes|vperm|cpu|x86|bmi2|armv8|power8|simd.*|avx2|avx512.*)$'

step_log=/dev/null
step_output=
step_job=
# Why the last step failed, in one line.
step_failure=

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: error: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Prints the one line of a log that says why a command failed.
reason_in() {
    local line
    if line=$(grep -m1 -E 'No space left|enough free space|Disk quota exceeded' "$1"); then
        printf 'no disk space: %s' "$line"
    elif line=$(grep -m1 -E 'emporary failure resolving|ould not resolve|ould not connect|annot initiate the connection|Network is unreachable|onnection refused|onnection timed out|nable to connect' "$1"); then
        printf 'no network: %s' "${line#"${line%%[! ]*}"}"
    elif line=$(grep -m1 -E '^E: |(^|[^a-z])[Ee][Rr][Rr][Oo][Rr]:|FAILED:|[Kk]illed' "$1"); then
        printf '%s' "$line"
    else
        tail -n1 "$1"
    fi
}

run_step() {
    local text=$1 start=$SECONDS next=30 status=0 why=
    shift
    say "$text"
    printf '\n== %s\n== %s\n' "$text" "$*" >>"$step_log"
    step_output=$(mktemp)
    "$@" >"$step_output" 2>&1 </dev/null &
    step_job=$!
    while kill -0 "$step_job" 2>/dev/null; do
        sleep 0.1
        if ((SECONDS - start >= next)); then
            say "  ... still at it after $((SECONDS - start)) s"
            next=$((next + 30))
        fi
    done
    wait "$step_job" || status=$?
    step_job=
    cat "$step_output" >>"$step_log"
    if ((status != 0)); then
        why=$(reason_in "$step_output")
        step_failure="$text: ${why:-exit status $status}"
    elif ((SECONDS - start >= 2)); then
        say "  done in $((SECONDS - start)) s"
    fi
    rm -f "$step_output"
    return "$status"
}

# Ends the step that is running, if any; for the exit handler of the script.
stop_step() {
    [[ -z $step_job ]] || kill "$step_job" 2>/dev/null || true
    rm -f "$step_output"
}

version_at_least() {
    local -a have want
    local i
    IFS=. read -ra have <<<"${1%%[!0-9.]*}"
    IFS=. read -ra want <<<"$2"
    for i in "${!want[@]}"; do
        ((10#${have[i]:-0} > 10#${want[i]})) && return 0
        ((10#${have[i]:-0} < 10#${want[i]})) && return 1
    done
    return 0
}

keyway_cache() {
    local home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
    printf '%s' "${KEYWAY_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/keyway}"
}

# Names a build of Botan by all that decides what comes out: options, modules, distribution, processor.
botan_recipe_hash() {
    local distribution
    distribution=$(. /etc/os-release 2>/dev/null && printf '%s-%s' "${ID:-}" "${VERSION_ID:-${VERSION_CODENAME:-}}") || true
    printf '%s\n' "${botan_options[*]}" "${botan_modules[*]}" "$botan_fast_modules" "$distribution" "$(uname -m)" |
        sha256sum | cut -c1-12
}

# Prints the folder of the newest cached Botan that is new enough, or nothing.
cached_botan() {
    local hash folder version best='' best_version=0
    hash=$(botan_recipe_hash)
    for folder in "$(keyway_cache)"/botan-*-"$hash"; do
        [[ -f $folder/lib/pkgconfig/botan-3.pc ]] || continue
        version=${folder##*/botan-}
        version=${version%-"$hash"}
        if version_at_least "$version" "$botan_minimum" && version_at_least "$version" "$best_version"; then
            best=$folder best_version=$version
        fi
    done
    printf '%s' "$best"
}

use_dependencies() {
    local folder
    pkg-config --atleast-version="$botan_minimum" botan-3 2>/dev/null && return 0
    folder=$(cached_botan)
    [[ -z $folder ]] || export PKG_CONFIG_PATH="$folder/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
}

# How many compilers may run at once: one per processor, and about 1 GiB of memory for each.
parallel_jobs() {
    local jobs memory=0
    jobs=${KEYWAY_JOBS:-$(nproc)}
    [[ ! -r /proc/meminfo ]] || memory=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
    if [[ -z ${KEYWAY_JOBS:-} ]] && ((memory > 0 && memory < jobs)); then jobs=$memory; fi
    printf '%s' "$jobs"
}

# set_up_build FOLDER OPTION...: makes FOLDER a build folder with these meson options; costs nothing when it is one.
# A folder that was made with other options or another Botan, or only half made, is made anew.
set_up_build() {
    local folder=$1 root stamp
    shift
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    stamp="$* ${PKG_CONFIG_PATH:-} $(pkg-config --modversion botan-3)"
    if [[ -f $folder/build.ninja && $(cat "$folder/.keyway-setup" 2>/dev/null) == "$stamp" ]]; then return 0; fi
    if [[ -e $folder && ! -d $folder/meson-private && -n $(ls -A "$folder") ]]; then
        say "$folder is there and is not a build folder; set KEYWAY_BUILD to another one" >&2
        return 1
    fi
    rm -rf "$folder"
    meson setup "$folder" "$root" "$@" || return 1
    printf '%s\n' "$stamp" >"$folder/.keyway-setup"
}
