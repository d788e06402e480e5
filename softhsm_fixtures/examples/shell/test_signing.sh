#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Run it with a token: softhsm-fixture run --fault-module -- ./test_signing.sh
set -eu
cd "$SOFTHSM_FIXTURE_DIRECTORY" # removed at the end, with what is made here

tool() { pkcs11-tool --module "$PKCS11_MODULE" --token-label "$PKCS11_TOKEN_LABEL" --login --pin env:PKCS11_PIN "$@"; }
say() { printf '%s\n' "$*"; }
fail() { say "FAILED: $*" && exit 1; }

tool --keypairgen --key-type EC:prime256v1 --id 01 --label signing >keygen.log 2>&1
tool --read-object --type pubkey --id 01 --output-file public.der >/dev/null 2>&1
echo 'to be signed' >data

# SoftHSM hashes nothing for ECDSA, so pkcs11-tool is given a hash.
sign() {
    openssl dgst -sha256 -binary data >digest
    tool --sign --mechanism ECDSA --signature-format openssl --id 01 --input-file digest --output-file signature
}
# The exit status of pkcs11-tool tells little: another program judges the signature.
verify() { openssl dgst -sha256 -keyform DER -verify public.der -signature signature data; }

sign >/dev/null 2>&1
verify >/dev/null || fail 'a plain signature'
say 'signs: ok'

softhsm-fixture fault '{"fault": "corrupt-signature"}'
sign >/dev/null 2>&1
! verify >/dev/null 2>&1 || fail 'a corrupt signature was taken for a good one'
softhsm-fixture fault '{"clear": "all"}'
say 'a corrupt signature is noticed: ok'

softhsm-fixture fault '{"fault": "device-removed", "function": "C_SignInit"}'
rm signature
sign >error.log 2>&1 || true
test ! -s signature || fail 'a signature without a token'
grep -q CKR_DEVICE_REMOVED error.log || fail 'the error is not named'
softhsm-fixture fault '{"insert": "device"}'
softhsm-fixture fault '{"clear": "all"}'
say 'a removed token is named: ok'

softhsm-fixture fault '{"fault": "pin-rejected"}'
softhsm-fixture fault '{"reset": "counters"}'
sign >error.log 2>&1 || true
grep -q CKR_PIN_INCORRECT error.log || fail 'a wrong PIN is not named'
softhsm-fixture counters | grep -q 'C_Login  *1 calls' || fail 'a wrong PIN was tried more than once'
say 'a wrong PIN is tried once: ok'
