// SPDX-License-Identifier: BSD-2-Clause
#include <bench/keyway_backend.hpp>

#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/backend_registry.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <map>
#include <optional>
#include <stdexcept>

namespace keyway::bench {

namespace {

class ReusingSigner final : public Signer {
public:
    ReusingSigner(const Botan::Private_Key& key, const Kind& kind)
        : signer_(key, Botan::system_rng(), kind.padding) {}

    void sign(std::vector<std::uint8_t>& out) override {
        out = signer_.sign_message(message, Botan::system_rng());
        size_ = out.size();
    }
    [[nodiscard]] std::size_t last_size() const noexcept override { return size_; }

private:
    Botan::PK_Signer signer_;
    std::size_t size_ = 0;
};

class RenewingSigner final : public Signer {
public:
    RenewingSigner(const Botan::Private_Key& key, const Kind& kind) : key_(key), kind_(kind) {}

    void sign(std::vector<std::uint8_t>& out) override {
        Botan::PK_Signer signer(key_, Botan::system_rng(), kind_.padding);
        out = signer.sign_message(message, Botan::system_rng());
        size_ = out.size();
    }
    [[nodiscard]] std::size_t last_size() const noexcept override { return size_; }

private:
    const Botan::Private_Key& key_;
    const Kind& kind_;
    std::size_t size_ = 0;
};

class KeywayWay final : public Way {
public:
    KeywayWay(const Place& place, KeywayStyle style)
        : style_(style), backend_(open_backend(place, style == KeywayStyle::session_copies)) {}

    std::unique_ptr<Signer> signer(const Kind& kind) override {
        auto& key = keys_[kind.label];
        if(!key) {
            key = backend_->use(ref_of(*backend_, kind.label), {});
        }
        if(style_ == KeywayStyle::renewed) {
            return std::make_unique<RenewingSigner>(*key, kind);
        }
        return std::make_unique<ReusingSigner>(*key, kind);
    }

private:
    KeywayStyle style_;
    std::unique_ptr<KeyBackend> backend_;
    std::map<std::string_view, std::unique_ptr<Botan::Private_Key>> keys_;
};

}  // namespace

std::unique_ptr<KeyBackend> open_backend(const Place& place, bool session_copies) {
    const auto option = [](std::string_view value) {
        return RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}};
    };
    RawOptions options{{"module", option(place.module)},
                       {"token-label", option(place.token_label)},
                       {"user-pin", option("file:" + place.pin_file)},
                       {"max-sessions", option("64")}};
    const auto type = hsm_backend();
    if(session_copies) {
        const auto* const known = type.options->find("session-copies");
        if(known == nullptr) {
            throw Absent("the hsm backend has no option \"session-copies\"");
        }
        options.emplace("session-copies", option(known->type == OptionType::flag ? "true" : "yes"));
    }
    BackendRegistry registry;
    registry.add(type);
    Settings settings;
    settings.add(BackendAlias("hsm"), {.type = "hsm", .options = options});
    return registry.open(settings, BackendAlias("hsm"), {});
}

KeyRef ref_of(const KeyBackend& backend, std::string_view label) {
    const auto listing = dynamic_cast<const KeyLister&>(backend).list({});
    for(const auto& key : listing.keys) {
        if(key.label == label) {
            return key.ref;
        }
    }
    throw std::runtime_error("there is no key \"" + std::string(label) + "\" in the token");
}

std::unique_ptr<Way> keyway_way(const Place& place, KeywayStyle style) {
    return std::make_unique<KeywayWay>(place, style);
}

}  // namespace keyway::bench
