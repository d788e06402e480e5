// SPDX-License-Identifier: BSD-2-Clause
// usage: list_keys LABEL...: ends with 0 when the token's private keys have exactly these labels
#include "pkcs11_module.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
    try {
        Pkcs11Module module(std::getenv("PKCS11_MODULE"));
        auto labels = module.key_labels(std::getenv("PKCS11_TOKEN_LABEL"), std::getenv("PKCS11_PIN"));
        std::sort(labels.begin(), labels.end());
        for (const auto& label : labels) {
            std::cout << label << '\n';
        }
        return labels == std::vector<std::string>(argv + 1, argv + argc) ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
