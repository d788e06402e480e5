// SPDX-License-Identifier: BSD-2-Clause
#include "help_texts.hpp"

namespace softhsm_fixtures::command::help {

const char* const whole = R"(
Example: softhsm-fixture run -- pytest tests
)";

const char* const run = R"(
Everything behind -- is the program and its arguments, as they stand. It finds in its environment:
  PKCS11_MODULE              the module to load
  PKCS11_TOKEN_URI           pkcs11:token=...;serial=...
  PKCS11_TOKEN_LABEL, PKCS11_TOKEN_SERIAL, PKCS11_TOKEN_SLOT
  PKCS11_PIN, PKCS11_PIN_FILE, PKCS11_SO_PIN, PKCS11_SO_PIN_FILE
  PKCS11_TOKEN_COUNT         of several tokens, each has all of these with its number:
                             PKCS11_TOKEN_URI_1 (the same as without), PKCS11_TOKEN_URI_2, ...
  SOFTHSM2_CONF              SoftHSM's configuration
  OPENSSL_CONF               OpenSSL takes pkcs11: URIs, by pkcs11-provider or libp11's engine
  XDG_CONFIG_HOME            p11-kit and p11tool see the token; the rest is linked to yours
  GNUTLS_PIN, GNUTLS_SO_PIN  for p11tool
  PKCS11_JAVA_CONFIG         a configuration of Java's SunPKCS11 provider
  SOFTHSM_FIXTURE_DIRECTORY  the folder; a program may put its own files there

With any --fault option PKCS11_MODULE is the fault module, with the real one behind it, and there are
  PKCS11_FAULT_LOG           every call, in JSON lines
  PKCS11_FAULT_COUNTERS      see `softhsm-fixture counters`
  PKCS11_FAULT_CONTROL       see `softhsm-fixture fault`

Exit status: the program's own, or 128 and the number of the signal that ended it;
  77   there is no such module here: a skipped test for automake, meson and, told so, CTest
  125  softhsm-fixture itself failed
  126  the program cannot be executed
  127  there is no such program

Environment: TMPDIR, where the folder is made; SOFTHSM2_MODULE, the module to use;
SOFTHSM_FIXTURES_KEEP, when not empty: as --keep; SOFTHSM_FIXTURES_CACHE, where tokens with content
are kept for the next run.

Content, for instance: [{"type": "ec", "curve": "P-256", "label": "key-{n}", "count": 2}]
All about it is in content.md, in share/doc/softhsm-fixtures/docs.

Examples:
  softhsm-fixture run -- sh -c 'p11tool --list-all "$PKCS11_TOKEN_URI"'
  softhsm-fixture run --token root --token issuing -- ctest
  softhsm-fixture run --keep-on-failure -- pytest tests
  softhsm-fixture run --fault 'session-lost function=C_Sign at=3' -- ./signer_test
)";

const char* const shell = R"(
It finds what `softhsm-fixture run --help` tells. Leave it with `exit`: the tokens go then, and the
status is the shell's.

Example: softhsm-fixture shell --token playground
)";

const char* const env = R"(
The folder stays until `softhsm-fixture remove`; nothing else removes it.
Exit status: 0, or 77 or 125 as with `softhsm-fixture run`.

Examples:
  variables=$(softhsm-fixture env) || exit; eval "$variables"; ...; softhsm-fixture remove
  softhsm-fixture env --format fish | source
  softhsm-fixture env --format github >> "$GITHUB_ENV"
)";

const char* const fault = R"(
LINE is what a line of the control file can be: faults in the short form of --fault, or in JSON
  {"fault": "NAME", ...}    from now on; as in a plan, see `softhsm-fixture faults`
  {"faults": [...]}         several
  {"profile": "NAME"}       see `softhsm-fixture profiles`
  {"clear": "NAME"}         no more of that; "all": of none
  {"release": "hangs"}      calls that hang go on
  {"insert": "device"}      a removed device is back
  {"reset": "counters"}     count from 0, from the next call on

Examples:
  softhsm-fixture fault 'slow function=C_Sign ms=100'
  softhsm-fixture fault '{"fault": "device-removed", "ms": 500}'
)";

const char* const check_plan = R"(
Prints nothing and ends with status 0 when the plan can be used, 1 with the reason when it cannot.

A plan: {"faults": [{"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": 3}]}
)";

const char* const counters = R"(
Before the first call there is nothing to show, and the status is 0.

Example: softhsm-fixture run --fault-module -- sh -c './signer_test && softhsm-fixture counters --json'
)";

} // namespace softhsm_fixtures::command::help
