// SPDX-License-Identifier: BSD-2-Clause
#include "exit_status.hpp"

#include <algorithm>
#include <array>

namespace keyway::cli {

namespace {

constexpr int internal_status = 1;

constexpr std::array statuses{
    ExitStatus{Errc::usage, 2, "the command line is put together wrongly"},
    ExitStatus{Errc::invalid_option, 10, "an option is unknown, in the wrong place, or malformed"},
    ExitStatus{Errc::invalid_argument, 11, "a value is not of the form asked for"},
    ExitStatus{Errc::secret_unavailable, 12, "the source of a PIN or passphrase cannot be read"},
    ExitStatus{Errc::pin_incorrect, 13, "the token rejected the PIN"},
    ExitStatus{Errc::pin_locked, 14, "the token's PIN is locked, not set, or one try from being locked"},
    ExitStatus{Errc::passphrase_incorrect, 15, "the passphrase does not open the key or the key store"},
    ExitStatus{Errc::backend_not_found, 16, "there is no backend of that alias or type"},
    ExitStatus{Errc::token_not_found, 17, "no token fits, or its module cannot be loaded"},
    ExitStatus{Errc::token_ambiguous, 18, "more than one token fits"},
    ExitStatus{Errc::token_failed, 19, "the token or its module answered with an error"},
    ExitStatus{Errc::key_not_found, 20, "no key fits"},
    ExitStatus{Errc::key_ambiguous, 21, "more than one key fits"},
    ExitStatus{Errc::already_exists, 22, "a key or file of that name is there already"},
    ExitStatus{Errc::key_mismatch, 23, "the key found is not the key meant"},
    ExitStatus{Errc::malformed_data, 24, "a file, row or object is truncated, foreign or damaged"},
    ExitStatus{Errc::permissions_insecure, 25, "others can read or replace a file that holds a secret"},
    ExitStatus{Errc::unsupported, 26, "the key type, scheme or operation is not offered"},
    ExitStatus{Errc::storage_failed, 27, "a file, the database or the output cannot be read or written"},
    ExitStatus{Errc::timed_out, 28, "a deadline passed while waiting"},
    ExitStatus{Errc::outcome_unknown, 30, "a change may have taken place or not"},
    ExitStatus{Errc::verification_failed, 29, "a signature does not verify"},
    ExitStatus{Errc::internal, internal_status, "a fault in keyway itself"},
};

}  // namespace

std::span<const ExitStatus> exit_statuses() noexcept {
    return statuses;
}

int exit_status(Errc code) noexcept {
    const auto* const found = std::ranges::find(statuses, code, &ExitStatus::code);
    return found == statuses.end() ? internal_status : found->status;
}

}  // namespace keyway::cli
