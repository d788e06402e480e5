// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace keyway::contract {

/// Something that the hsm backend cannot do on a module, and has to refuse.
struct Lack {
    std::string_view module;  ///< a name of softhsm_fixtures::known_modules()
    std::string_view doing;   ///< "create", "store" or "sign"
    std::string_view names;   ///< kinds of keys, or paddings, with blanks between
    std::string_view reason;
    std::string_view until;   ///< the first version of the module that can; empty: none
};

/// A module, and the versions of it that the table was made with.
struct MeasuredModule {
    std::string_view module;
    std::vector<std::string_view> versions;  ///< as CK_INFO has them; empty: what it lacks is not known
};

/// The one table: the contract suite checks it on each module, and docs/modules.md shows it.
[[nodiscard]] std::span<const Lack> known_lacks();
[[nodiscard]] const std::vector<MeasuredModule>& measured_modules();

/// The line that is about it in a version of a module; null when there is none.
[[nodiscard]] const Lack* find_lack(std::string_view module,
                                    std::string_view version,
                                    std::string_view doing,
                                    std::string_view name);

}  // namespace keyway::contract
