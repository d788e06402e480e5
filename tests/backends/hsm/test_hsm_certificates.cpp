// SPDX-License-Identifier: BSD-2-Clause
// Certificates that are kept beside keys in a token.
#include <backends/hsm/fault_support.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/certificate_keeper.hpp>
#include <keyway/pkcs11/keys/certificates_internal.hpp>
#include <support/raises.hpp>

#include <botan/hex.h>
#include <botan/system_rng.h>
#include <botan/x509cert.h>
#include <botan/x509self.h>

#include <algorithm>
#include <utility>
#include <vector>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;
using Bytes = std::vector<std::uint8_t>;

namespace {

Bytes certificate_for(const Botan::Private_Key& key) {
    return Botan::X509::create_self_signed_cert(Botan::X509_Cert_Options("kept"), key, "SHA-256", Botan::system_rng()).BER_encode();
}

void keep(KeyBackend& backend, const KeyRef& ref, const Bytes& certificate, OtherCertificates others = OtherCertificates::stay) {
    dynamic_cast<CertificateKeeper&>(backend).keep_certificate(ref, certificate, others, {});
}

/// What is beside the key, and whether each goes with it.
std::vector<std::pair<Bytes, bool>> beside(const KeyBackend& backend, const KeyRef& ref) {
    std::vector<std::pair<Bytes, bool>> out;
    for(const auto& kept : dynamic_cast<const CertificateKeeper&>(backend).kept_certificates(ref, {})) {
        out.emplace_back(kept.certificate, kept.goes_with_key);
    }
    return out;
}

std::size_t certificates(const HsmStore& store, std::string_view label) {
    return HsmStore::Direct(store).find(CKO_CERTIFICATE, label).size();
}

}  // namespace

TEST_CASE("a certificate is put beside its key with the key's id, and goes with it") {
    const HsmStore store;
    const auto backend = store.open();
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto key = backend->use(ref, {});
    const auto der = certificate_for(*key);
    keep(*backend, ref, der);
    {
        const HsmStore::Direct direct(store);
        const auto objects = direct.find(CKO_CERTIFICATE, "root");
        REQUIRE(objects.size() == 1);
        const Botan::X509_Certificate certificate(der);
        const auto value = [&](CK_ATTRIBUTE_TYPE type) { return pkcs11::read_attribute(direct.session(), objects[0], type).value(); };
        CHECK(value(CKA_VALUE) == der);
        CHECK(value(CKA_ID) == Botan::hex_decode(ref.locator().find("id").value()));
        CHECK(value(CKA_SUBJECT) == certificate.raw_subject_dn());
        CHECK(value(CKA_ISSUER) == certificate.raw_issuer_dn());
        const auto serial = value(CKA_SERIAL_NUMBER);
        CHECK(serial.at(0) == 2);  // a DER INTEGER
        CHECK(std::equal(certificate.serial_number().rbegin(), certificate.serial_number().rend(), serial.rbegin()));
    }
    CHECK_RAISES(keep(*backend, ref, der), Errc::already_exists);
    // Of a renewal.
    keep(*backend, ref, certificate_for(*key));
    CHECK(certificates(store, "root") == 2);
    CHECK(test::signs(*backend->use(ref, {})));
    CHECK(dynamic_cast<KeyLister&>(*backend).list({}).keys.size() == 1);
    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
    CHECK(store.objects() == 0);
}

TEST_CASE("a certificate for another key is refused, and what is none") {
    const HsmStore store;
    const auto backend = store.open();
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto other = HsmStore::create(*backend, "other").ref;
    const auto of_other = certificate_for(*backend->use(other, {}));
    const auto error = test::raised([&] { keep(*backend, ref, of_other); });
    CHECK(error.code() == Errc::key_mismatch);
    CHECK(error.hint() == "SPKI SHA-256 of the certificate: " + other.fingerprint().to_string() +
                              ", of the key: " + ref.fingerprint().to_string());
    CHECK_RAISES(keep(*backend, ref, Bytes{1, 2, 3}), Errc::malformed_data);
    CHECK(store.objects() == 4);
    // Removing a key leaves the other's certificate.
    keep(*backend, other, of_other);
    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
    CHECK(certificates(store, "other") == 1);
    CHECK(store.objects() == 3);
}

TEST_CASE("keeping and removing a certificate are got over faults, and leave no orphan") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open({{"deadline-ms", "3000"}});
    for(const auto* const function : {"C_CreateObject", "C_DestroyObject"}) {
        for(const auto* const fault : {R"("rv": "CKR_DEVICE_ERROR")", R"("rv": "CKR_SESSION_HANDLE_INVALID")"}) {
            for(const auto* const when : {"before", "after"}) {
                for(int at = 1; at <= (function == std::string_view("C_CreateObject") ? 1 : 3); ++at) {
                    INFO(fault << ' ' << when << ' ' << function << ' ' << at);
                    const auto ref = HsmStore::create(*backend, "root").ref;
                    const auto der = certificate_for(*backend->use(ref, {}));
                    store.fault().inject(fault_line("return", function, std::string(fault) + R"(, "when": ")" + when + R"(", "at": )" +
                                                                            std::to_string(at)));
                    keep(*backend, ref, der);
                    CHECK(store.objects() == 3);
                    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
                    store.fault().clear();
                    CHECK(store.objects() == 0);
                }
            }
        }
    }
    // What nothing can be done about leaves the key as it was.
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto der = certificate_for(*backend->use(ref, {}));
    store.fault().inject(fault_line("return", "C_CreateObject", R"("rv": "CKR_ATTRIBUTE_VALUE_INVALID", "every": 1)"));
    CHECK_RAISES(keep(*backend, ref, der), Errc::token_failed);
    store.fault().clear();
    CHECK(store.objects() == 2);
    CHECK(test::signs(*backend->use(ref, {})));
}

TEST_CASE("a certificate is replaced only when asked, and others of the same id stay") {
    const HsmStore store;
    const auto backend = store.open();
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto key = backend->use(ref, {});
    const auto first = certificate_for(*key);
    const auto second = certificate_for(*key);
    keep(*backend, ref, first);
    keep(*backend, ref, second);
    CHECK(certificates(store, "root") == 2);
    const auto values = [&] {
        const HsmStore::Direct direct(store);
        std::vector<Bytes> out;
        for(const auto object : direct.find(CKO_CERTIFICATE, "root")) {
            out.push_back(pkcs11::read_attribute(direct.session(), object, CKA_VALUE).value());
        }
        return out;
    };
    const auto third = certificate_for(*key);
    keep(*backend, ref, third, OtherCertificates::go);
    CHECK(values() == std::vector<Bytes>{third});
    // Once more, it is no error, and nothing is left to do.
    keep(*backend, ref, third, OtherCertificates::go);
    CHECK(values() == std::vector<Bytes>{third});
    // One for another key under the same id is not the key's, so it is not replaced, and not removed with it.
    const auto foreign = certificate_for(*test::software_key());
    {
        const HsmStore::Direct direct(store);
        const auto found = pkcs11::find_key(direct.session(), {.id = std::nullopt, .label = "root"}, "the token");
        pkcs11::NewObjects made(direct.session());
        pkcs11::write_certificate(direct.session(), found, Botan::X509_Certificate(foreign), made);
        made.keep();
    }
    CHECK(beside(*backend, ref) == std::vector{std::pair(third, true)});
    keep(*backend, ref, second, OtherCertificates::go);
    CHECK(beside(*backend, ref) == std::vector{std::pair(second, true)});
    const auto left = values();
    CHECK(left.size() == 2);
    CHECK(std::ranges::count(left, second) == 1);
    CHECK(std::ranges::count(left, foreign) == 1);
    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
    CHECK(values() == std::vector<Bytes>{foreign});
}

TEST_CASE("a certificate of another label, or that another key may need, stays when the key goes") {
    const HsmStore store;
    const auto backend = store.open();
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto der = certificate_for(*backend->use(ref, {}));
    keep(*backend, ref, der);
    {
        const HsmStore::Direct direct(store);
        for(const auto object : direct.find(CKO_CERTIFICATE, "root")) {
            direct.set(object, CKA_LABEL, "theirs");
        }
    }
    CHECK(beside(*backend, ref) == std::vector{std::pair(der, false)});
    keep(*backend, ref, certificate_for(*backend->use(ref, {})));
    {
        // What a kill in the middle of a removal leaves: its certificate goes with the rest.
        const HsmStore::Direct direct(store);
        for(const auto object : direct.find(CKO_PRIVATE_KEY, "root")) {
            REQUIRE(direct.session().calls().C_DestroyObject(direct.session().handle(), object) == CKR_OK);
        }
    }
    const auto left = beside(*backend, ref);
    CHECK(left.size() == 2);
    CHECK(std::ranges::count(left, true, &std::pair<Bytes, bool>::second) == 1);
    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
    CHECK(certificates(store, "theirs") == 1);
}

TEST_CASE("the certificate of a key that was adopted without a label goes with it too") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root").ref;
    {
        const HsmStore::Direct direct(store);
        for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
            for(const auto object : direct.find(object_class, "root")) {
                direct.set(object, CKA_LABEL, "");
            }
        }
    }
    const auto ref = dynamic_cast<KeyAdopter&>(*backend).adopt(
        HsmStore::options(Phase::adopt, {{"id", made.locator().find("id").value()}}));
    REQUIRE(!ref.locator().find("label"));
    keep(*backend, ref, certificate_for(*backend->use(ref, {})));
    CHECK(store.objects() == 3);
    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
    CHECK(store.objects() == 0);
}

TEST_CASE("a token that can only be read keeps no certificate, says why, and stays as it was") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open({{"deadline-ms", "2000"}});
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto der = certificate_for(*backend->use(ref, {}));
    for(const auto& [fault, name] : std::vector<std::pair<std::string, std::string>>{
            {R"({"fault": "read-only-token"})", "CKR_TOKEN_WRITE_PROTECTED"},
            {fault_line("return", "C_CreateObject", R"("rv": "CKR_SESSION_READ_ONLY", "every": 1)"), "CKR_SESSION_READ_ONLY"}}) {
        INFO(fault);
        store.fault().inject(fault);
        const auto error = test::raised([&] { keep(*backend, ref, der); });
        CHECK(error.code() == Errc::token_failed);
        CHECK(error.return_value() == name);
        CHECK(error.hint() == "the token can only be read");
        store.fault().clear();
        CHECK(store.objects() == 2);
    }
    keep(*backend, ref, der);
    CHECK(store.objects() == 3);
}
