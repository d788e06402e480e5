// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "workshop.hpp"

#include <softhsm_fixtures/catch2.hpp>

#include <string>

namespace keyway::test {

/// A workshop with a backend "hsm", a token, beside its file and database.
struct WorkshopWithToken : softhsm_fixtures::SoftHsmFixture {
    Workshop shop;

    WorkshopWithToken() {
        shop.environment["KEYWAY_TEST_PIN"] = token().user_pin();
        shop.set_backend("hsm", token_settings());
    }

    /// The settings of a backend with the token.
    [[nodiscard]] Json token_settings() {
        return {{"type", "hsm"},
                {"module", token().module_path().string()},
                {"token-label", token().label()},
                {"user-pin", "env:KEYWAY_TEST_PIN"}};
    }

    /// Adds a second token, as backend "hsm2".
    void add_second_token() {
        const auto& other = token().store().add_token({.label = "other"});
        shop.environment["KEYWAY_OTHER_PIN"] = other.user_pin;
        auto settings = token_settings();
        settings["token-label"] = "other";
        settings["user-pin"] = "env:KEYWAY_OTHER_PIN";
        shop.set_backend("hsm2", settings);
    }

    /// Makes a key with a certificate of its own beside it; the certificate is in LABEL.pem as well.
    /// @return the key's reference
    std::string make_certified_key(const std::string& label) {
        const auto ref = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", label, "--extractable"}));
        shop.succeed({"ca", "create", "--key", ref, "--subject", "CN=" + label, "--out", label + ".pem"});
        shop.succeed({"key", "certificate", "--key", ref, "--in", label + ".pem"});
        return ref;
    }

    /// How messages name the certificate in a file.
    [[nodiscard]] std::string told(const std::string& label) const {
        const auto serial = line(shop.run({"openssl", "x509", "-in", label + ".pem", "-noout", "-serial"})).substr(sizeof("serial=") - 1);
        return "\"CN=" + label + "\" (serial number " + serial + ")";
    }
};

}  // namespace keyway::test
