// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "certificate_maker.hpp"
#include "key_material.hpp"
#include "progress.hpp"
#include "token_session.hpp"

#include <softhsm_fixtures/content_model_internal.hpp>

#include <optional>
#include <vector>

namespace fill {

/// Makes the objects of a list in a token.
class Filler {
public:
    /// @param token with the user logged in
    Filler(TokenSession& token, const softhsm_fixtures::internal::Content& content)
        : token_(token), content_(content), keys_(content.entries.size()), progress_(content.object_count) {}

    /// Makes everything but what only the security officer may mark as trusted.
    ///
    /// @throws helper::Failure with the entry's place
    void fill();

    /// What waits for the security officer.
    [[nodiscard]] bool has_trusted() const noexcept { return !trusted_.empty(); }
    void fill_trusted();
    /// The first entry of it, for a message.
    [[nodiscard]] std::string place_of_trusted() const { return softhsm_fixtures::internal::place_of(*trusted_.front().entry); }

private:
    /// A key that later entries may refer to.
    struct KnownKey {
        Key key; ///< the public half alone when the token has made it
        bool has_private = false;
        CK_OBJECT_HANDLE in_token = 0; ///< the private key, when the token has made it
        bool authenticate = false;
        Certificate certificate;
        Bytes id;
        std::string label;
    };
    /// An object with the entry it comes from.
    struct Waiting {
        const Entry* entry;
        Template object;
    };

    void fill_entry(const Entry& entry, unsigned n);
    void add_key_pair(const Entry& entry, unsigned n);
    void import_pair(const Entry& entry, unsigned n, KnownKey& known);
    void generate_pair(const Entry& entry, unsigned n, KnownKey& known);
    void add_secret_key(const Entry& entry, unsigned n);
    void add_data(const Entry& entry, unsigned n);
    void add_certificate(const Entry& entry, unsigned n, KnownKey& known);
    [[nodiscard]] Signer signer_of(KnownKey& known);
    void create(const Entry& entry, Template object);
    void create_montgomery_too(const Entry& entry, Template object);

    TokenSession& token_;
    const softhsm_fixtures::internal::Content& content_;
    std::vector<std::optional<KnownKey>> keys_; ///< by entry; of entries with one copy
    std::vector<Waiting> trusted_;
    Progress progress_;
};

} // namespace fill
