// SPDX-License-Identifier: BSD-2-Clause
#include <backends/hsm/fault_support.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace keyway::test {

bool signs_as(const Botan::Private_Key& key, const Botan::Public_Key& expected) {
    auto& rng = Botan::system_rng();
    const auto message = rng.random_vec<std::vector<std::uint8_t>>(32);
    const auto signature = Botan::PK_Signer(key, rng, "SHA-256").sign_message(message, rng);
    return Botan::PK_Verifier(expected, "SHA-256").verify_message(message, signature);
}

bool signs(const Botan::Private_Key& key) {
    return signs_as(key, *key.public_key());
}

std::string Outcome::text() const {
    return (error ? std::string(to_string(error->code())) + " " + error->return_value() + ": " + error->what() + " (" +
                        error->hint() + ")"
                  : "done") +
           ", " + std::to_string(took.count()) + " ms";
}

Outcome outcome_of(const std::function<void()>& work) {
    Outcome out;
    const auto begin = std::chrono::steady_clock::now();
    try {
        work();
    } catch(const Error& error) {
        out.error = error;
    }
    out.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    return out;
}

std::size_t open_sessions(const HsmStore& store) {
    const auto module = pkcs11::Module::open(store.module());
    CK_SLOT_ID slot = 0;
    for(const auto& token : module->tokens()) {
        if(token.label == store.token().label()) {
            slot = token.slot;
        }
    }
    const pkcs11::Module::Use use(*module);
    for(std::size_t most = 1; most < 1'000; ++most) {
        store.fault().clear();
        store.fault().inject(R"({"fault": "session-cap", "announced": false, "sessions": )" + std::to_string(most) + "}");
        CK_SESSION_HANDLE session = 0;
        const auto result = module->calls().C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session);
        if(result == CKR_OK) {
            module->calls().C_CloseSession(session);
            store.fault().clear();
            return most - 1;
        }
        if(result != CKR_SESSION_COUNT) {
            throw std::runtime_error("C_OpenSession answered " + std::to_string(result));
        }
    }
    throw std::runtime_error("over 1000 sessions are open");
}

std::string fault_line(std::string_view fault, std::string_view function, std::string_view more) {
    std::string line = R"({"fault": ")" + std::string(fault) + '"';
    if(!function.empty()) {
        line += R"(, "function": ")" + std::string(function) + '"';
    }
    if(!more.empty()) {
        line += ", " + std::string(more);
    }
    return line + "}";
}

std::unique_ptr<Botan::Private_Key> software_key() {
    return std::make_unique<Botan::ECDSA_PrivateKey>(Botan::system_rng(), Botan::EC_Group::from_name("secp256r1"));
}

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace keyway::test
