// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/secret.hpp>

#include <utility>

namespace keyway {

Secret::Secret(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}

Secret::Secret(Botan::secure_vector<std::uint8_t> bytes) noexcept : bytes_(std::move(bytes)) {}

Secret Secret::clone() const {
    return Secret(bytes_);
}

std::string_view Secret::reveal() const noexcept {
    // char may alias any object, so the bytes can be viewed as text without a copy that would have to be wiped too.
    return {static_cast<const char*>(static_cast<const void*>(bytes_.data())), bytes_.size()};
}

}  // namespace keyway
