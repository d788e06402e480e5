// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/key_ref.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace keyway {

/// Names a key of a backend by which another backend's keys are wrapped: by its reference, or by its label, as a secret key (AES)
/// has no reference.
/// @threadsafety immutable
class KEYWAY_API WrappingKeyName {
public:
    /// A key pair.
    WrappingKeyName(KeyRef ref);  // NOLINT(google-explicit-constructor): a reference is a name

    /// A key pair or a secret key.
    WrappingKeyName(BackendAlias backend, std::string label);

    /// Reads what stands in settings: a reference in either form, `ALIAS:LABEL`, or the path of a file that holds a reference. A
    /// path that would be taken for ALIAS:LABEL is written with `./` in front.
    /// @throws Errc::malformed_data, Errc::storage_failed
    [[nodiscard]] static WrappingKeyName parse(std::string_view text);

    [[nodiscard]] const BackendAlias& backend() const noexcept { return backend_; }

    /// Nothing when it is named by its label.
    [[nodiscard]] const std::optional<KeyRef>& ref() const noexcept { return ref_; }

    /// Of a reference the label or file name that it tells, or empty.
    [[nodiscard]] const std::string& label() const noexcept { return label_; }

    /// As parse reads it.
    [[nodiscard]] std::string to_string() const;

    /// For messages: ALIAS:LABEL, where there is a label.
    [[nodiscard]] std::string short_name() const;

    friend bool operator==(const WrappingKeyName&, const WrappingKeyName&) = default;

private:
    BackendAlias backend_;
    std::optional<KeyRef> ref_;
    std::string label_;
};

}  // namespace keyway
