// SPDX-License-Identifier: BSD-2-Clause
// How attributes are read from modules that answer rightly, and from those that do not.
#include <support/raises.hpp>

#include <keyway/pkcs11/attributes_internal.hpp>

#include <algorithm>
#include <array>
#include <map>

using namespace keyway;
using namespace keyway::pkcs11;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// An object as a module keeps it, and how that module answers.
class Object {
public:
    std::map<CK_ATTRIBUTE_TYPE, Bytes> values;
    bool stops_at_first_missing = false;
    CK_RV more_than_one_at_once = CKR_OK;
    bool has_null_lengths = false;  ///< says 0 for what is missing
    int calls = 0;

    CK_RV answer(CK_ATTRIBUTE* asked, CK_ULONG count) {
        ++calls;
        if(count > 1 && more_than_one_at_once != CKR_OK) {
            return more_than_one_at_once;
        }
        CK_RV result = CKR_OK;
        for(auto* attribute = asked; attribute != asked + count; ++attribute) {
            const auto found = values.find(attribute->type);
            if(found == values.end()) {
                attribute->ulValueLen = has_null_lengths ? 0 : CK_UNAVAILABLE_INFORMATION;
                result = CKR_ATTRIBUTE_TYPE_INVALID;
                if(stops_at_first_missing) {
                    return result;
                }
            } else if(attribute->pValue == nullptr) {
                attribute->ulValueLen = found->second.size();
            } else if(attribute->ulValueLen < found->second.size()) {
                attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
                result = result == CKR_OK ? CKR_BUFFER_TOO_SMALL : result;
            } else {
                std::ranges::copy(found->second, static_cast<std::uint8_t*>(attribute->pValue));
                attribute->ulValueLen = found->second.size();
            }
        }
        return result;
    }

    Attributes read(std::vector<CK_ATTRIBUTE_TYPE> types) {
        calls = 0;
        return read_attributes([this](CK_ATTRIBUTE* asked, CK_ULONG count) { return answer(asked, count); }, types);
    }
};

Object usual() {
    Object object;
    object.values = {{CKA_ID, {1}}, {CKA_LABEL, {'r', 'o', 'o', 't'}}, {CKA_EC_POINT, {}}, {CKA_SIGN, {1}}};
    return object;
}

void check_usual(const Attributes& read) {
    CHECK(read.bytes(CKA_ID) == Bytes{1});
    CHECK(read.text(CKA_LABEL) == "root");
    REQUIRE(read.find(CKA_EC_POINT) != nullptr);
    CHECK(read.find(CKA_EC_POINT)->empty());
    CHECK(read.find_filled(CKA_EC_POINT) == nullptr);
    CHECK(read.flag(CKA_SIGN) == true);
}

const std::vector<CK_ATTRIBUTE_TYPE> all{CKA_ID, CKA_MODULUS, CKA_LABEL, CKA_EC_POINT, CKA_SIGN};

}  // namespace

TEST_CASE("what is there comes in one call, and what is missing costs one more") {
    auto object = usual();
    check_usual(object.read({CKA_ID, CKA_LABEL, CKA_EC_POINT, CKA_SIGN}));
    CHECK(object.calls == 1);
    const auto read = object.read(all);
    check_usual(read);
    CHECK(read.find(CKA_MODULUS) == nullptr);
    CHECK(read.bytes(CKA_MODULUS).empty());
    CHECK(object.calls == 2);
}

TEST_CASE("a value larger than usual is fetched by its size") {
    auto object = usual();
    object.values[CKA_MODULUS] = Bytes(5000, 7);
    const auto read = object.read(all);
    check_usual(read);
    CHECK(read.bytes(CKA_MODULUS) == Bytes(5000, 7));
    CHECK(object.calls == 3);

    object.values[CKA_ID] = Bytes(300, 8);
    object.values.erase(CKA_SIGN);
    CHECK(object.read(all).bytes(CKA_ID) == Bytes(300, 8));
}

TEST_CASE("a module that stops at the first missing attribute is asked for the others again") {
    auto object = usual();
    object.stops_at_first_missing = true;
    const auto read = object.read(all);
    check_usual(read);
    CHECK(read.find(CKA_MODULUS) == nullptr);
}

TEST_CASE("a module that refuses several attributes at once is asked for each") {
    for(const auto refusal : {CKR_FUNCTION_FAILED, CKR_TEMPLATE_INCONSISTENT, CKR_ARGUMENTS_BAD}) {
        auto object = usual();
        object.more_than_one_at_once = refusal;
        check_usual(object.read(all));
    }
    auto object = usual();
    object.more_than_one_at_once = CKR_SESSION_HANDLE_INVALID;
    const auto error = test::raised([&] { return object.read(all); });
    CHECK(error.code() == Errc::token_failed);
    CHECK(error.return_value() == "CKR_SESSION_HANDLE_INVALID");
}

TEST_CASE("a missing attribute that a module calls empty is as good as missing") {
    auto object = usual();
    object.has_null_lengths = true;
    const auto read = object.read(all);
    check_usual(read);
    CHECK(read.find_filled(CKA_MODULUS) == nullptr);
}

TEST_CASE("lengths that cannot be are not believed") {
    for(const CK_ULONG length : {CK_ULONG{2'000'000}, CK_ULONG{1} << 40, ~CK_ULONG{1}}) {
        const auto read = read_attributes(
            [&](CK_ATTRIBUTE* asked, CK_ULONG count) {
                std::for_each(asked, asked + count, [&](CK_ATTRIBUTE& attribute) { attribute.ulValueLen = length; });
                return CKR_OK;
            },
            all);
        CHECK(read.find(CKA_ID) == nullptr);
    }
}

TEST_CASE("numbers and flags of another size are none") {
    Attributes values;
    values.set(CKA_KEY_TYPE, {0, 0, 0, 3});
    values.set(CKA_SIGN, {});
    values.set(CKA_DERIVE, {1, 0});
    CHECK_FALSE(values.number(CKA_KEY_TYPE).has_value());
    CHECK_FALSE(values.number(CKA_CLASS).has_value());
    CHECK_FALSE(values.flag(CKA_SIGN).has_value());
    CHECK_FALSE(values.flag(CKA_DERIVE).has_value());
}
