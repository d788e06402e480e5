// SPDX-License-Identifier: BSD-2-Clause
//
// A worker: opens a key by settings, reference and use options that another process has handed it, and signs.
//   sign_elsewhere SETTINGS REFERENCE OPTIONS-AS-JSON  <message  >signature in hexadecimal
#include <keyway/keyring/keyring.hpp>

#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <iostream>
#include <iterator>

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        keyway::Keyring keyring(keyway::read_settings(arguments.at(0)));
        const auto ref = keyway::KeyRef::parse(arguments.at(1));
        const auto& type = keyring.backends().type(ref.backend_type());
        const auto options = keyway::OptionValues::from_json(*type.options, keyway::Phase::use, arguments.at(2), "the worker");
        const auto key = keyring.use(ref, options);
        const std::string message(std::istreambuf_iterator<char>(std::cin), {});
        Botan::PK_Signer signer(*key, Botan::system_rng(), "SHA-256");
        signer.update(message);
        std::cout << Botan::hex_encode(signer.signature(Botan::system_rng()));
        return 0;
    } catch(const keyway::Error& error) {
        std::cerr << to_string(error.code()) << ": " << error.message() << "\n";
        return 1;
    }
}
