// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "support.hpp"

#include <string>

namespace keyway::test {

/// The same authority, run by openssl: what it issues from the same key and values must be the same octets.
class OpensslCa {
public:
    explicit OpensslCa(const TestAuthority& authority);

    /// What to issue.
    struct Order {
        std::string subject;     ///< in openssl's notation
        std::string serial;      ///< hexadecimal digits
        std::string not_before;  ///< YYYYMMDDHHMMSSZ
        std::string not_after;
        std::string extensions;  ///< lines of an extension section
    };

    /// A certificate for a key, in DER.
    [[nodiscard]] std::string issue(const Botan::Private_Key& subject_key, const Order& order) const;

    /// A certificate for the authority's own key, signed by itself, in DER.
    [[nodiscard]] std::string issue_root(const Order& order) const;

    /// A revocation list in DER. `index`: the lines of openssl's database.
    [[nodiscard]] std::string issue_crl(const std::string& index, const std::string& number,
                                        const std::string& last_update, const std::string& next_update,
                                        const std::string& extensions) const;

private:
    void write_config(const std::string& extensions) const;
    [[nodiscard]] std::string run_ca(const std::vector<std::string>& more, const Order& order) const;

    Folder folder_;
};

}  // namespace keyway::test
