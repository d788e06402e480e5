// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/key_backend.hpp>
#include <keyway/key/key_info.hpp>
#include <keyway/options/option_values.hpp>

#include <functional>
#include <string>

namespace keyway {

/// A backend whose store may hold more keys than are to be in memory at once: it tells them page by page; found by dynamic_cast.
///
/// KeyLister::list of such a backend answers all pages in one.
/// @threadsafety as KeyBackend
class KEYWAY_API PagedKeyLister {
public:
    virtual ~PagedKeyLister();

    /// Hands out what the store holds, by label, no more than a page at a time; each key once. Keys that are added or removed
    /// meanwhile may be among them or not.
    /// @param options of phase use
    /// @param take is given each page, and may throw to end it; it may not use the backend
    /// @throws as KeyLister::list
    virtual void list_pages(const OptionValues& options, const std::function<void(KeyListing page)>& take) const = 0;

    /// The keys of one label alone, without a look at the others.
    /// @param options of phase use
    /// @throws as KeyLister::list
    [[nodiscard]] virtual KeyListing list_label(const std::string& label, const OptionValues& options) const = 0;
};

/// @throws Errc::unsupported when the backend cannot list its keys
[[nodiscard]] KEYWAY_API const KeyLister& lister_of(const KeyBackend& backend);

/// The keys of one label, with what may hide another one; the others are not looked at where the backend can do without.
/// @param options of phase use
/// @throws Errc::unsupported when the backend cannot list its keys; as KeyLister::list
[[nodiscard]] KEYWAY_API KeyListing keys_with_label(const KeyBackend& backend, const OptionValues& options, const std::string& label);

}  // namespace keyway
