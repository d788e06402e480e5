// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/options/option_values.hpp>

#include <memory>

namespace Botan {
class Private_Key;
}

namespace keyway {

/// A backend that can hand out the private key itself, as those that keep keys in software can; found by dynamic_cast.
class KEYWAY_API KeyExporter {
public:
    virtual ~KeyExporter();

    /// The key of the reference with all of its private half in this process's memory: what KeyBackend::store of another
    /// backend takes.
    /// @param options of phase use
    /// @throws as KeyBackend::use; Errc::unsupported when this key may not leave, with what can be done instead
    [[nodiscard]] virtual std::unique_ptr<Botan::Private_Key> export_key(const KeyRef& ref,
                                                                         const OptionValues& options) const = 0;
};

}  // namespace keyway
