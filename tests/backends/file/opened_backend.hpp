// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/backend_registry.hpp>
#include <keyway/key/key_backend.hpp>

#include <botan/pk_keys.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace keyway::test {

/// A backend opened from settings as a program does it, whose secrets come from a map the test can change.
class OpenedBackend {
public:
    using Texts = std::map<std::string, std::string>;

    /// @param secrets what `env:NAME` and `prompt:NAME` give
    /// @param wrappers what the backend is given to open other backends' keys with
    OpenedBackend(const BackendType& type, const Texts& settings, Texts secrets, KeyWrapperOpener wrappers = {})
        : type_(type), secrets_(std::make_shared<Texts>(std::move(secrets))) {
        BackendRegistry registry;
        registry.add(type_);
        const BackendAlias alias("store");
        Settings all;
        all.add(alias, {.type = type_.name, .options = raw(settings, OptionOrigin::Kind::settings)});
        BackendContext context;
        const auto look_up = [shared = secrets_, reads = reads_](const std::string& name) -> std::optional<Secret> {
            ++*reads;
            const auto found = shared->find(name);
            return found == shared->end() ? std::nullopt : std::optional(Secret(found->second));
        };
        context.secrets = SecretReader(look_up, look_up);
        context.clock = [] { return Time(std::chrono::seconds(1'800'000'000)); };  // 2027-01-15 08:00:00 UTC
        context.wrappers = std::move(wrappers);
        backend_ = registry.open(all, alias, context);
    }

    KeyBackend* operator->() const noexcept { return backend_.get(); }

    [[nodiscard]] OptionValues options(Phase phase, const Texts& texts) const {
        return OptionValues::check(*type_.options, phase, raw(texts, OptionOrigin::Kind::call), "the test");
    }

    CreatedKey create(const std::string& kind, const Texts& texts) const {
        return backend_->create(KeySpec::parse(kind), options(Phase::create, texts));
    }

    KeyRef store(const Botan::Private_Key& key, const Texts& texts) const {
        return backend_->store(key, options(Phase::store, texts));
    }

    std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const Texts& texts = {}) const {
        return backend_->use(ref, options(Phase::use, texts));
    }

    std::optional<Error> check(const KeyRef& ref, const Texts& texts = {}) const {
        return backend_->check(ref, options(Phase::use, texts));
    }

    KeyListing listing(const Texts& texts = {}) const {
        return dynamic_cast<KeyLister&>(*backend_).list(options(Phase::use, texts));
    }

    /// The keys of a listing that is without a fault; else its first fault is thrown.
    std::vector<KeyInfo> list(const Texts& texts = {}) const {
        auto all = listing(texts);
        if(!all.faults.empty()) {
            throw Error(all.faults.front());
        }
        return std::move(all.keys);
    }

    /// The labels of list().
    std::vector<std::string> labels() const {
        std::vector<std::string> out;
        for(const auto& key : list()) {
            out.push_back(key.label);
        }
        return out;
    }

    void remove(const KeyRef& ref, const Texts& texts = {}) const {
        dynamic_cast<KeyRemover&>(*backend_).remove(ref, options(Phase::use, texts));
    }

    void set_secret(const std::string& name, const std::string& value) const { (*secrets_)[name] = value; }

    /// How often a secret has been asked for.
    [[nodiscard]] int reads() const { return *reads_; }

    /// How often a secret is asked for in some work.
    template <typename Work>
    [[nodiscard]] int reads_in(const Work& work) const {
        const int before = reads();
        work();
        return reads() - before;
    }

private:
    static RawOptions raw(const Texts& texts, OptionOrigin::Kind kind) {
        RawOptions out;
        for(const auto& [name, value] : texts) {
            out.emplace(name, RawOption{.value = value, .origin = {kind, {}}});
        }
        return out;
    }

    BackendType type_;
    std::shared_ptr<Texts> secrets_;
    std::shared_ptr<std::atomic<int>> reads_ = std::make_shared<std::atomic<int>>(0);
    std::unique_ptr<KeyBackend> backend_;
};

/// The names of all kinds of keys, with a size for RSA, sorted.
inline std::vector<std::string> all_kinds() {
    auto names = KeySpec::known_names();
    std::ranges::replace(names, "rsa-BITS", "rsa-2048");
    std::ranges::sort(names);
    return names;
}

/// A reference like another one, but for the key with another fingerprint.
inline KeyRef with_fingerprint(const KeyRef& ref, const SpkiFingerprint& fingerprint) {
    return {ref.backend(), ref.backend_type(), ref.key(), fingerprint, ref.locator()};
}

}  // namespace keyway::test
