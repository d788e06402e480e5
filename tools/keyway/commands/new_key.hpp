// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../output_file.hpp"
#include "../session.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace keyway::cli {

/// A key that is to be made or imported.
struct NewKey {
    BackendAlias backend;
    KeySpec spec;
    OptionValues options;
    Phase phase = Phase::store;  ///< or Phase::create
    std::optional<BackendAlias> in_place_of{};  ///< the backend that cannot be reached, where this one is its fallback
};

/// The flag --out of commands that make a key, which they may do without; standard output gets the reference
/// anyway.
[[nodiscard]] std::optional<OutputFile> reference_file(const Session& session, const Arguments& arguments);

/// Prints the reference of a key, in the form asked for.
/// @param file where it was written too
/// @param because why the key is where it is by fallback
void report_reference(Session& session, const std::string& label, const KeyRef& ref,
                      const std::optional<OutputFile>& file, const std::string& because = {});

/// Tells of what was done to a key. Where that fails, the error has the reference, which nobody would know else.
/// @param what "the key was made"
/// @throws what `tell` throws
void tell_done(const std::string& what, const KeyRef& ref, const std::function<void()>& tell);

/// @throws Errc::usage when the key has no label, and its backend has labels
void require_label(const Session& session, const NewKey& key);

/// Looks whether the key could be made, and changes nothing.
/// @throws Errc::invalid_option, Errc::unsupported, Errc::already_exists, Errc::secret_unavailable, Errc::storage_failed
void require_makeable(Session& session, const NewKey& key);

/// The same, and tells so.
/// @throws as require_makeable
void report_dry_run(Session& session, const NewKey& key, std::string_view verb);

/// Takes back a key that was made a moment ago and is not handed out.
/// @throws Errc::storage_failed with its reference when that fails
void remove_again(Session& session, const KeyRef& ref);

/// Makes or imports the key, and has that recorded; what cannot be recorded is removed again.
/// @param operation "create" or "store"
/// @throws what `make` throws; Errc::storage_failed
[[nodiscard]] CreatedKey make_recorded(Session& session, const NewKey& key, const std::string& operation,
                                       const std::function<CreatedKey()>& make);

/// Writes the reference to the file, if there is to be one, and prints it.
///
/// Where that file cannot be written, the key is removed: nobody would know of it.
void hand_out(Session& session, const NewKey& key, const CreatedKey& made, const std::optional<OutputFile>& file);

}  // namespace keyway::cli
