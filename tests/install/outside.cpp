// SPDX-License-Identifier: BSD-2-Clause
// A program outside the tree that knows Keyway by its installed headers and pkg-config file only.
//
// usage: outside PROGRAM: makes a token, a key folder and a database in the current folder, signs with a key of each, and
// runs PROGRAM with a keyway.json that names them.
#include <keyway/keyring/keyring.hpp>
#include <keyway/x509/certificate.hpp>

#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace {

// Alive until static objects are destroyed, when SoftHSM's own may be gone already: leaving must be clean all the same.
std::unique_ptr<keyway::Keyring> keyring;
std::vector<std::unique_ptr<Botan::Private_Key>> keys;

bool signs(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(key, rng, "SHA-256").sign_message(message, rng);
    return Botan::PK_Verifier(*key.public_key(), "SHA-256").verify_message(message, signature);
}

bool issues(const Botan::Private_Key& key) {
    using namespace keyway::x509;
    auto& rng = Botan::system_rng();
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const CertificateFields fields{.subject = DistinguishedName::parse("CN=Root"),
                                   .serial = SerialNumber::random(rng),
                                   .validity = {now, now + std::chrono::hours(24)}};
    return issue_root(key, fields, rng).check_signature(*key.public_key());
}

}  // namespace

int main(int, char** arguments) {
    const softhsm_fixtures::SoftHsmToken token;
    const softhsm_fixtures::ScopedSoftHsmConf conf(token.config_path());
    std::ofstream("passphrase") << "a passphrase";
    ::chmod("passphrase", 0600);
    std::ofstream("keyway.json") << R"({"backends": {
        "hsm": {"type": "hsm", "module": ")" << token.module_path().string() << R"(", "token-label": ")" << token.label()
                                 << R"(", "user-pin": "file:)" << token.user_pin_file().string() << R"("},
        "file": {"type": "file", "path": "keys", "passphrase": "file:passphrase"},
        "database": {"type": "database", "path": "keys.sqlite", "passphrase": "file:passphrase"}}})";
    keyring = std::make_unique<keyway::Keyring>(keyway::read_settings("keyway.json"));
    for(const auto* name : {"hsm", "file", "database"}) {
        const keyway::BackendAlias alias(name);
        const auto made = keyring->backend(alias).create(
            keyway::KeySpec::parse("p-256"), keyring->options(alias, keyway::Phase::create, {{"label", "outside"}}));
        keys.push_back(keyring->use(keyway::KeyRef::parse(made.ref.to_string())));
        if(!signs(*keys.back()) || !issues(*keys.back())) {
            std::cerr << name << ": the signature does not verify\n";
            return 1;
        }
        std::cout << name << ": " << made.ref.to_string() << "\n" << std::flush;
    }
    try {
        static_cast<void>(keyring->backend(keyway::BackendAlias("nowhere")));
        return 1;
    } catch(const keyway::Error& error) {  // its type has to be the same on both sides of the library's border
        if(error.code() != keyway::Errc::backend_not_found) {
            return 1;
        }
    }
    return std::system(arguments[1]);
}
