// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/keyring/keyring.hpp>

#include <botan/hex.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <iostream>

int main() try {
    keyway::Keyring keyring(keyway::read_settings("keyway.json"));
    const keyway::BackendAlias hsm("hsm");
    const auto options = keyring.options(hsm, keyway::Phase::create, {{"label", "greeter"}});
    const auto made = keyring.backend(hsm).create(keyway::KeySpec::parse("p-256"), options);
    std::cout << made.ref.to_string() << '\n';  // keep this line: it finds the key again

    const auto key = keyring.use(made.ref);  // an ordinary Botan::Private_Key, which never leaves the token
    Botan::PK_Signer signer(*key, Botan::system_rng(), "SHA-256");
    std::cout << Botan::hex_encode(signer.sign_message(std::vector<uint8_t>{'h', 'i'}, Botan::system_rng())) << '\n';
} catch(const keyway::Error& error) {
    std::cerr << error.message() << "; " << error.hint() << '\n';
    return 1;
}
