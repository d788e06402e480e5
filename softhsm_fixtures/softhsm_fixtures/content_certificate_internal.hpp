// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/content_model_internal.hpp>
#include <softhsm_fixtures/content_reader_internal.hpp>

namespace softhsm_fixtures::internal {

/// "id": hexadecimal digits with "{n}" among them; nullopt when it is left out.
[[nodiscard]] std::optional<Pattern> read_id(const ObjectReader& reader);

/// "attributes": which of them belong to one of the owners, AttributeOwner added up.
[[nodiscard]] Attributes read_attributes(const ObjectReader& reader, unsigned owners);

/// "pem", with something in it that looks like PEM.
[[nodiscard]] std::optional<std::string> read_pem(const ObjectReader& reader);

/// The certificate of a key's entry, or of an entry that is one; nothing for other entries.
///
/// @param earlier the entries before, among which issuer and key are looked for
void read_certificate(const ObjectReader& reader, Entry& entry, const std::vector<Entry>& earlier);

} // namespace softhsm_fixtures::internal
