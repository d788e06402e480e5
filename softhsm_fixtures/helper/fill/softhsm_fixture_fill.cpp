// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-fill --module FILE [--serial SERIAL] [--label LABEL] --user-pin-file FILE [--so-pin-file
// FILE]
//                      --content FILE [--init-arguments TEXT]
//
// Makes the objects of a list in one token of any PKCS#11 module; the module's own configuration is in the
// environment. Reports on standard output, in one line: "objects NUMBER" or "error TEXT".

#include "filler.hpp"

#include <softhsm_fixtures/content_files_internal.hpp>
#include <softhsm_fixtures/content_model_internal.hpp>

#include <openssl/crypto.h>

#include <cstdio>
#include <map>
#include <string>

namespace {

constexpr const char* usage =
    "usage: softhsm-fixture-fill --module FILE [--serial SERIAL] [--label LABEL] "
    "--user-pin-file FILE [--so-pin-file FILE] --content FILE [--init-arguments TEXT]\n";

class Options {
public:
    /// Option names with their values; empty when they are not as they should be.
    Options(int argc, char** argv) {
        for (int i = 1; i + 1 < argc; i += 2) {
            values_[argv[i]] = argv[i + 1];
        }
        const bool known = values_.size() == count("--module") + count("--serial") + count("--label") +
                                                 count("--user-pin-file") + count("--so-pin-file") +
                                                 count("--content") + count("--init-arguments");
        valid_ = argc % 2 == 1 && known && count("--module") == 1 && count("--user-pin-file") == 1 &&
                 count("--content") == 1 && count("--serial") + count("--label") > 0;
    }
    [[nodiscard]] bool valid() const { return valid_; }
    [[nodiscard]] const std::string& required(const std::string& name) const { return values_.at(name); }
    [[nodiscard]] std::optional<std::string> optional(const std::string& name) const {
        const auto found = values_.find(name);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    [[nodiscard]] std::size_t count(const char* name) const { return values_.count(name); }

    std::map<std::string, std::string> values_;
    bool valid_ = false;
};

[[nodiscard]] std::size_t fill_token(const Options& options) {
    using namespace softhsm_fixtures::internal;
    const Content content =
        parse_content(read_listed_file(options.required("--content"), 8 * largest_list), {});

    fill::TokenSession token(options.required("--module"), options.optional("--init-arguments"),
                             {options.optional("--serial"), options.optional("--label")});
    token.login(CKU_USER, options.required("--user-pin-file"));
    fill::Filler filler(token, content);
    filler.fill();
    if (filler.has_trusted()) {
        const auto so_pin_file = options.optional("--so-pin-file");
        if (!so_pin_file) {
            throw helper::Failure(filler.place_of_trusted() +
                                  ": only a security officer marks as trusted, whose PIN is not there");
        }
        token.login(CKU_SO, *so_pin_file);
        filler.fill_trusted();
    }
    return content.object_count;
}

} // namespace

int main(int argc, char** argv) {
    const Options options(argc, argv);
    if (!options.valid()) {
        std::fputs(usage, stderr);
        return 2;
    }
    // The user's configuration may load a PKCS#11 provider: keys are made without it.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    try {
        std::printf("objects %zu\n", fill_token(options));
        return 0;
    } catch (const std::exception& error) {
        std::printf("error %s\n", error.what());
        return 1;
    }
}
