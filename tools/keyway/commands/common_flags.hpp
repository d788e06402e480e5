// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../command.hpp"

namespace keyway::cli {

[[nodiscard]] inline Flag dry_run_flag() {
    return {.name = "dry-run",
            .takes = Takes::nothing,
            .help = "look whether it can be done, and change nothing; a token counts a wrong PIN here too"};
}

[[nodiscard]] inline Flag backend_flag() {
    return {.name = "backend",
            .value = "ALIAS",
            .help = "the backend to use (default: the one the settings name)"};
}

[[nodiscard]] inline Flag purpose_flag() {
    return {.name = "purpose",
            .value = "PURPOSE",
            .help = "what the key is for: ca, ocsp or leaf; the settings may name a backend for it, and a fallback (none for --backend)",
            .values = {"ca", "ocsp", "leaf"}};
}

[[nodiscard]] inline Positional reference_positional() {
    return {.name = "REF", .help = "the key: keyway:1?..., a file that holds that, or ALIAS:LABEL"};
}

[[nodiscard]] inline Flag issuer_flag() {
    return {.name = "issuer", .value = "FILE", .help = "the issuer's certificate, in PEM or DER"};
}

[[nodiscard]] inline Flag issuer_key_flag() {
    return {.name = "issuer-key", .value = "REF", .help = "the issuer's key"};
}

[[nodiscard]] inline Flag scheme_flag() {
    return {.name = "scheme",
            .value = "NAME",
            .help = "how to sign: sha256, sha384, sha512, or for RSA pkcs1v15-HASH, pss-HASH (default: what "
                    "fits the key)",
            .values = {"sha256", "sha384", "sha512", "pkcs1v15-sha256", "pkcs1v15-sha384", "pkcs1v15-sha512",
                       "pss-sha256", "pss-sha384", "pss-sha512"}};
}

/// A flag that has to be given.
[[nodiscard]] inline Flag required(Flag flag) {
    flag.required = true;
    return flag;
}

}  // namespace keyway::cli
