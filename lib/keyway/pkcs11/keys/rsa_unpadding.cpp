// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/rsa_unpadding_internal.hpp>

#include <botan/hash.h>

#include <bit>
#include <limits>

namespace keyway::pkcs11 {

namespace {

using Block = Botan::secure_vector<std::uint8_t>;

/// All bits set or none: a truth to calculate with, as a branch would take another time for each answer.
using Mask = std::size_t;
constexpr Mask no = 0;

/// Hides a value from the compiler, which would otherwise see that it is a truth and make branches of it.
Mask hidden(Mask value) noexcept {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(value));
#endif
    return value;
}

Mask is_zero(std::size_t value) noexcept {
    constexpr auto top_bit = std::numeric_limits<std::size_t>::digits - 1;
    return hidden(Mask{0} - ((~value & (value - 1)) >> top_bit));
}

Mask is_equal(std::size_t a, std::size_t b) noexcept {
    return is_zero(a ^ b);
}

Mask is_less(std::size_t a, std::size_t b) noexcept {
    constexpr auto top_bit = std::numeric_limits<std::size_t>::digits - 1;
    return hidden(Mask{0} - ((a ^ ((a ^ b) | ((a - b) ^ a))) >> top_bit));
}

std::size_t select(Mask mask, std::size_t if_set, std::size_t otherwise) noexcept {
    return (mask & if_set) | (~mask & otherwise);
}

/// What comes behind the first `offset` bytes: moved forward by each power of two that may be in the offset, so that which
/// bytes are read does not tell it.
Unpadded message_behind(Block block, std::size_t offset, Mask valid) {
    const auto size = block.size();
    offset = select(valid, offset, size);
    for(unsigned bit = 0; bit < static_cast<unsigned>(std::bit_width(size)); ++bit) {
        const auto step = std::size_t{1} << bit;
        const auto moves = ~is_zero(offset & step);
        for(std::size_t i = 0; i < size; ++i) {
            const std::size_t later = i + step < size ? block[i + step] : 0;
            block[i] = static_cast<std::uint8_t>(select(moves, later, block[i]));
        }
    }
    block.resize(size - offset);
    return {std::move(block), static_cast<std::uint8_t>(valid & 0xff)};
}

/// @spec RFC 8017 B.2.1
void mask_with_mgf1(std::span<std::uint8_t> target, std::span<const std::uint8_t> seed, Botan::HashFunction& hash) {
    Block mask(hash.output_length());
    std::uint32_t counter = 0;
    while(!target.empty()) {
        hash.update(seed);
        hash.update_be(counter++);
        hash.final(std::span<std::uint8_t>(mask));
        const auto part = target.first(std::min(target.size(), mask.size()));
        for(std::size_t i = 0; i < part.size(); ++i) {
            part[i] = static_cast<std::uint8_t>(part[i] ^ mask[i]);
        }
        target = target.subspan(part.size());
    }
}

}  // namespace

Unpadded unpad_pkcs1v15(std::span<const std::uint8_t> block) {
    constexpr std::size_t shortest = 11;
    constexpr std::size_t first_end = 10;  // at least 8 bytes of padding come before
    if(block.size() < shortest) {
        return {};
    }
    Mask valid = is_zero(block[0]) & is_equal(block[1], 2);
    Mask ended = no;
    std::size_t offset = block.size();
    for(std::size_t i = 2; i < block.size(); ++i) {
        const auto ends_here = is_zero(block[i]) & ~ended;
        offset = select(ends_here, i + 1, offset);
        ended |= ends_here;
    }
    valid &= ended & ~is_less(offset, first_end + 1);
    return message_behind({block.begin(), block.end()}, offset, valid);
}

Unpadded unpad_oaep(std::span<const std::uint8_t> block,
                    std::string_view hash_name,
                    std::string_view mgf_hash_name,
                    std::span<const std::uint8_t> label) {
    const auto hash = Botan::HashFunction::create_or_throw(hash_name);
    const auto mgf_hash = Botan::HashFunction::create_or_throw(mgf_hash_name);
    const auto hash_bytes = hash->output_length();
    if(block.size() < 2 * hash_bytes + 2) {
        return {};
    }
    Mask valid = is_zero(block[0]);
    Block seed(block.begin() + 1, block.begin() + 1 + static_cast<std::ptrdiff_t>(hash_bytes));
    Block data(block.begin() + 1 + static_cast<std::ptrdiff_t>(hash_bytes), block.end());
    mask_with_mgf1(seed, data, *mgf_hash);
    mask_with_mgf1(data, seed, *mgf_hash);

    hash->update(label);
    const auto label_hash = hash->final_stdvec();
    std::size_t different = 0;
    for(std::size_t i = 0; i < hash_bytes; ++i) {
        different |= static_cast<std::size_t>(data[i] ^ label_hash[i]);
    }
    valid &= is_zero(different);

    // Zeros, then a one; whatever else comes first is wrong.
    Mask ended = no;
    std::size_t offset = data.size();
    for(std::size_t i = hash_bytes; i < data.size(); ++i) {
        const auto is_one = is_equal(data[i], 1);
        valid &= is_zero(data[i]) | is_one | ended;
        offset = select(is_one & ~ended, i + 1, offset);
        ended |= is_one;
    }
    valid &= ended;
    return message_behind(std::move(data), offset, valid);
}

}  // namespace keyway::pkcs11
