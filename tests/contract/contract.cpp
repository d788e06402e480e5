// SPDX-License-Identifier: BSD-2-Clause
// What every key backend has to do, whatever its store.
#include <contract/world.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <support/raises.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/ml_dsa.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/slh_dsa.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x448.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>

using namespace keyway;
using keyway::contract::make_world;
using keyway::contract::World;

namespace {

auto& rng() {
    return Botan::system_rng();
}

constexpr std::array<std::uint8_t, 5> message{'h', 'e', 'l', 'l', 'o'};

/// A signature of the larger sets of SLH-DSA takes a second, and a minute under a sanitizer, which sees the same code in all.
bool too_slow_here([[maybe_unused]] std::string_view kind) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return kind.starts_with("slh-dsa-") && kind != "slh-dsa-sha2-128f";
#else
    return false;
#endif
}

std::vector<KeySpec> offered_kinds(const KeyBackend& backend) {
    std::vector<KeySpec> kinds{KeySpec::rsa(2048), KeySpec::rsa(3072)};
    std::string left_out;
    for(const auto& name : KeySpec::known_names()) {
        if(name == "rsa-BITS" || !backend.capabilities().offers(KeySpec::parse(name))) {
            continue;
        }
        if(too_slow_here(name)) {
            left_out += " " + std::string(name);
        } else {
            kinds.push_back(KeySpec::parse(name));
        }
    }
    if(!left_out.empty()) {
        WARN("left out, as it takes minutes under a sanitizer:" << left_out);
    }
    return kinds;
}

/// Of those, the ones that can be imported too.
std::vector<KeySpec> stored_kinds(const World& world, const KeyBackend& backend) {
    auto kinds = offered_kinds(backend);
    std::erase_if(kinds, [&](const KeySpec& spec) { return world.lacks("store", spec.to_string()).has_value(); });
    return kinds;
}

std::vector<std::string> paddings(const KeySpec& spec) {
    switch(spec.type()) {
        case KeyType::rsa:
            return {"PKCS1v15(SHA-256)", "PKCS1v15(SHA-384)", "PKCS1v15(SHA-512)", "PSS(SHA-256)",
                    "PSS(SHA-384,MGF1,48)", "PSS(SHA-512,MGF1,20)"};
        case KeyType::ec:
            return {"SHA-256", "SHA-384", "SHA-512"};
        case KeyType::ed25519:
        case KeyType::ed448:
            return {"Pure"};
        case KeyType::ml_dsa:
        case KeyType::slh_dsa:
            return {""};
        case KeyType::x25519:
        case KeyType::x448:
        case KeyType::dsa:
            return {};
    }
    return {};
}

bool signs(const Botan::Private_Key& key, const std::string& padding) {
    Botan::PK_Signer signer(key, rng(), padding);
    const auto signature = signer.sign_message(message, rng());
    return Botan::PK_Verifier(*key.public_key(), padding).verify_message(message, signature);
}

/// A key agrees with a new one on the same secret as that one with it.
bool agrees(const Botan::Private_Key& key, const Botan::Public_Key& public_key) {
    const auto other = key.algo_name() == "X25519"
                           ? std::unique_ptr<Botan::PK_Key_Agreement_Key>(std::make_unique<Botan::X25519_PrivateKey>(rng()))
                           : std::make_unique<Botan::X448_PrivateKey>(rng());
    const auto ours = Botan::PK_Key_Agreement(key, rng(), "Raw").derive_key(0, other->public_value());
    return ours == Botan::PK_Key_Agreement(*other, rng(), "Raw").derive_key(0, public_key.raw_public_key_bits());
}

std::unique_ptr<Botan::Private_Key> foreign_key(const KeySpec& spec) {
    switch(spec.type()) {
        case KeyType::rsa:
            return std::make_unique<Botan::RSA_PrivateKey>(rng(), spec.bits());
        case KeyType::ec:
            return std::make_unique<Botan::ECDSA_PrivateKey>(rng(), Botan::EC_Group::from_name(spec.curve()));
        case KeyType::ed25519:
            return std::make_unique<Botan::Ed25519_PrivateKey>(rng());
        case KeyType::ed448:
            return std::make_unique<Botan::Ed448_PrivateKey>(rng());
        case KeyType::x25519:
            return std::make_unique<Botan::X25519_PrivateKey>(rng());
        case KeyType::x448:
            return std::make_unique<Botan::X448_PrivateKey>(rng());
        case KeyType::ml_dsa:
            return std::make_unique<Botan::ML_DSA_PrivateKey>(rng(), Botan::ML_DSA_Mode(spec.parameter_set()));
        case KeyType::slh_dsa:
            return std::make_unique<Botan::SLH_DSA_PrivateKey>(rng(), Botan::SLH_DSA_Parameters::create(spec.parameter_set()));
        case KeyType::dsa:
            break;
    }
    return nullptr;
}

CreatedKey create(const World& world, KeyBackend& backend, std::string_view label, std::string_view kind = "p-256") {
    return backend.create(KeySpec::parse(kind), world.options(Phase::create, {{"label", label}}));
}

KeyRef with_fingerprint(const KeyRef& ref, const SpkiFingerprint& fingerprint) {
    return {ref.backend(), ref.backend_type(), ref.key(), fingerprint, ref.locator()};
}

}  // namespace

TEST_CASE("contract: a key of every kind is created, found again and signs with every padding") {
    const auto world = make_world();
    const auto backend = world->open();
    for(const auto& spec : offered_kinds(*backend)) {
        INFO(spec.to_string());
        const auto made = create(*world, *backend, spec.to_string(), spec.to_string());
        CHECK(made.ref.key() == spec);
        CHECK(made.ref.backend() == backend->alias());
        CHECK(made.ref.fingerprint() == SpkiFingerprint::of(*made.public_key));
        const auto key = world->open()->use(made.ref, {});
        CHECK(SpkiFingerprint::of(*key) == made.ref.fingerprint());
        for(const auto& padding : paddings(spec)) {
            INFO(padding);
            if(world->lacks("sign", padding)) {
                CHECK_RAISES(signs(*key, padding), Errc::unsupported);
            } else {
                CHECK(signs(*key, padding));
            }
        }
        CHECK((spec.can_sign() || agrees(*key, *made.public_key)));
    }
}

TEST_CASE("contract: a key that only agrees on secrets does not sign") {
    const auto world = make_world();
    const auto backend = world->open();
    for(const std::string kind : {"x25519", "x448"}) {
        if(world->lacks("create", kind)) {
            continue;  // shown above to be refused
        }
        const auto key = backend->use(create(*world, *backend, kind, kind).ref, {});
        CHECK_FALSE(key->supports_operation(Botan::PublicKeyOperation::Signature));
        CHECK(key->supports_operation(Botan::PublicKeyOperation::KeyAgreement));
        CHECK_RAISES(choose_scheme(*key), Errc::unsupported);
    }
}

TEST_CASE("contract: what the store is known to lack is refused before anything is made, and nothing else is") {
    const auto world = make_world();
    if(const auto why = world->lacks_unknown(); !why.empty()) {
        SKIP(why);
    }
    const auto backend = world->open();
    auto kinds = std::vector{KeySpec::rsa(2048), KeySpec::rsa(3072), KeySpec::rsa(4096)};
    for(const auto& name : KeySpec::known_names()) {
        if(name != "rsa-BITS") {
            kinds.push_back(KeySpec::parse(name));
        }
    }
    const auto before = world->contents();
    for(const auto& spec : kinds) {
        const auto kind = spec.to_string();
        INFO(kind);
        CHECK(backend->capabilities().offers(spec) == !world->lacks("create", kind));
        if(world->lacks("create", kind)) {
            CHECK_RAISES(create(*world, *backend, kind, kind), Errc::unsupported);
        }
        if(world->lacks("store", kind)) {
            CHECK_RAISES(backend->store(*foreign_key(spec), world->options(Phase::store, {{"label", kind}})),
                         Errc::unsupported);
        }
    }
    CHECK(world->contents() == before);
}

TEST_CASE("contract: a key of every kind made elsewhere is stored and stays the same key") {
    const auto world = make_world();
    const auto backend = world->open();
    for(const auto& spec : stored_kinds(*world, *backend)) {
        INFO(spec.to_string());
        const auto source = foreign_key(spec);
        const auto ref = backend->store(*source, world->options(Phase::store, {{"label", spec.to_string()}}));
        CHECK(ref.fingerprint() == SpkiFingerprint::of(*source));
        const auto key = world->open()->use(ref, {});
        if(!spec.can_sign()) {
            CHECK(agrees(*key, *source));
            continue;
        }
        Botan::PK_Signer signer(*key, rng(), paddings(spec).front());
        const auto signature = signer.sign_message(message, rng());
        CHECK(Botan::PK_Verifier(*source, paddings(spec).front()).verify_message(message, signature));
    }
}

TEST_CASE("contract: a reference finds its key after a restart, from text and from JSON") {
    const auto world = make_world();
    const auto ref = create(*world, *world->open(), "root").ref;
    CHECK(signs(*world->open()->use(KeyRef::parse(ref.to_string()), {}), "SHA-256"));
    CHECK(signs(*world->open()->use(KeyRef::parse(ref.to_json()), {}), "SHA-256"));
    CHECK(world->open()->check(ref, {}) == std::nullopt);
}

TEST_CASE("contract: signatures in both ECDSA formats, one after another with one signer") {
    const auto world = make_world();
    const auto backend = world->open();
    const auto key = backend->use(create(*world, *backend, "root", "p-384").ref, {});
    for(const auto format : {Botan::Signature_Format::Standard, Botan::Signature_Format::DerSequence}) {
        Botan::PK_Signer signer(*key, rng(), "SHA-384", format);
        Botan::PK_Verifier verifier(*key->public_key(), "SHA-384", format);
        for(int i = 0; i < 3; ++i) {
            signer.update(message);
            signer.update(message);
            const auto signature = signer.signature(rng());
            verifier.update(message);
            verifier.update(message);
            CHECK(verifier.check_signature(signature));
        }
    }
}

TEST_CASE("contract: an empty message and a long one are signed") {
    const auto world = make_world();
    const auto backend = world->open();
    for(const auto* const kind : {"p-256", "ed25519", "ed448"}) {
        INFO(kind);
        if(!backend->capabilities().offers(KeySpec::parse(kind))) {
            continue;
        }
        const auto key = backend->use(create(*world, *backend, kind, kind).ref, {});
        const auto padding = paddings(KeySpec::parse(kind)).front();
        Botan::PK_Signer signer(*key, rng(), padding);
        Botan::PK_Verifier verifier(*key->public_key(), padding);
        for(const std::size_t size : {0U, 1U, 100'000U}) {
            const std::vector<std::uint8_t> text(size, 'x');
            CHECK(verifier.verify_message(text, signer.sign_message(text, rng())));
        }
    }
}

TEST_CASE("contract: a label in use is refused and nothing changes") {
    const auto world = make_world();
    const auto backend = world->open();
    const auto first = create(*world, *backend, "root");
    const auto before = world->contents();
    CHECK_RAISES(create(*world, *backend, "root"), Errc::already_exists);
    CHECK_RAISES(create(*world, *backend, "root", "p-384"), Errc::already_exists);
    if(!world->lacks("store", "p-256")) {
        CHECK_RAISES(backend->store(*foreign_key(KeySpec::parse("p-256")), world->options(Phase::store, {{"label", "root"}})),
                     Errc::already_exists);
    }
    CHECK(world->contents() == before);
    CHECK(signs(*backend->use(first.ref, {}), "SHA-256"));
}

TEST_CASE("contract: a key without a label is refused and nothing is made") {
    const auto world = make_world();
    const auto backend = world->open();
    const auto before = world->contents();
    CHECK_RAISES(backend->create(KeySpec::parse("p-256"), {}), Errc::invalid_option);
    CHECK_RAISES(create(*world, *backend, ""), Errc::invalid_option);
    CHECK_RAISES(backend->store(*foreign_key(KeySpec::parse("p-256")), {}), Errc::invalid_option);
    CHECK(world->contents() == before);
}

TEST_CASE("contract: labels may have blanks and other letters") {
    const auto world = make_world();
    const auto backend = world->open();
    for(const auto* const label : {"Root CA 2026", "Nøkkel-鍵", "a&b=c?d%e", "under_score.and.dot"}) {
        INFO(label);
        CHECK(signs(*backend->use(create(*world, *backend, label).ref, {}), "SHA-256"));
    }
}

TEST_CASE("contract: a removed key is gone, and only that one") {
    const auto world = make_world();
    const auto backend = world->open();
    auto& remover = dynamic_cast<KeyRemover&>(*backend);
    const auto empty = world->contents();
    const auto kept = create(*world, *backend, "kept");
    const auto with_one = world->contents();
    const auto gone = create(*world, *backend, "gone");
    remover.remove(gone.ref, {});
    CHECK(world->contents() == with_one);
    CHECK_RAISES(backend->use(gone.ref, {}), Errc::key_not_found);
    CHECK(backend->check(gone.ref, {}).value().code() == Errc::key_not_found);
    CHECK_RAISES((remover.remove(gone.ref, {}), 0), Errc::key_not_found);
    CHECK(signs(*backend->use(kept.ref, {}), "SHA-256"));
    remover.remove(kept.ref, {});
    CHECK(world->contents() == empty);
}

TEST_CASE("contract: another key under the same name is never used or removed") {
    const auto world = make_world();
    const auto backend = world->open();
    auto& remover = dynamic_cast<KeyRemover&>(*backend);
    const auto old = create(*world, *backend, "root");
    remover.remove(old.ref, {});
    const auto replacement = create(*world, *backend, "root");

    const auto mistaken = with_fingerprint(replacement.ref, old.ref.fingerprint());
    CHECK_RAISES(backend->use(mistaken, {}), Errc::key_mismatch);
    CHECK(backend->check(mistaken, {}).value().code() == Errc::key_mismatch);
    CHECK_RAISES((remover.remove(mistaken, {}), 0), Errc::key_mismatch);
    const auto of_old = backend->check(old.ref, {}).value().code();
    CHECK((of_old == Errc::key_mismatch || of_old == Errc::key_not_found));
    CHECK(signs(*backend->use(replacement.ref, {}), "SHA-256"));
}

TEST_CASE("contract: a listing is whole, in order, and its references work") {
    const auto world = make_world();
    const auto backend = world->open();
    auto& lister = dynamic_cast<KeyLister&>(*backend);
    CHECK(lister.list({}).keys.empty());
    std::vector<KeyRef> made;
    for(const auto* const label : {"c", "a", "b"}) {
        made.push_back(create(*world, *backend, label).ref);
    }
    std::ranges::sort(made, {}, &KeyRef::to_string);
    std::vector<KeyRef> listed;
    std::vector<std::string> labels;
    for(const auto& info : lister.list({}).keys) {
        listed.push_back(info.ref);
        labels.push_back(info.label);
    }
    CHECK(labels == std::vector<std::string>{"a", "b", "c"});
    std::ranges::sort(listed, {}, &KeyRef::to_string);
    CHECK(listed == made);
    CHECK(lister.list({}).faults.empty());
    for(const auto& ref : listed) {
        CHECK(signs(*backend->use(ref, {}), "SHA-256"));
    }
}

TEST_CASE("contract: a wrong secret is told as such, and nothing is made") {
    const auto world = make_world();
    const auto made = create(*world, *world->open(), "root");
    const auto before = world->contents();
    const auto backend = world->open_with(world->settings_with_wrong_secret());
    const auto error = test::raised([&] { return backend->use(made.ref, {}); });
    CHECK(error.code() == world->wrong_secret());
    CHECK(error.backend() == "tested");
    CHECK_FALSE(error.hint().empty());
    CHECK(backend->check(made.ref, {}).value().code() == world->wrong_secret());
    CHECK(world->contents() == before);
    world->get_over_wrong_secret();
    CHECK(signs(*world->open()->use(made.ref, {}), "SHA-256"));
}

TEST_CASE("contract: the secret is in no reference, listing or error") {
    const auto world = make_world();
    const auto backend = world->open();
    const auto made = create(*world, *backend, "root");
    auto seen = made.ref.to_string() + made.ref.to_json();
    for(const auto& info : dynamic_cast<KeyLister&>(*backend).list({}).keys) {
        seen += info.label + info.ref.to_string();
        for(const auto& [name, value] : info.attributes) {
            seen += name + value;
        }
    }
    for(const auto& error : {test::raised([&] { return create(*world, *backend, "root"); }),
                             test::raised([&] {
                                 return backend->use(with_fingerprint(made.ref, SpkiFingerprint::parse(std::string(64, '0'))), {});
                             })}) {
        seen += error.message() + error.hint();
    }
    CHECK(seen.find(world->secret()) == std::string::npos);
}

TEST_CASE("contract: options of another phase and references of another backend are refused") {
    const auto world = make_world();
    const auto backend = world->open();
    const auto made = create(*world, *backend, "root");
    CHECK_RAISES(backend->use(made.ref, world->options(Phase::create, {{"label", "root"}})), Errc::invalid_option);
    const KeyRef foreign(made.ref.backend(), "elsewhere", made.ref.key(), made.ref.fingerprint(), made.ref.locator());
    CHECK_RAISES(backend->use(foreign, {}), Errc::key_mismatch);
    const KeyRef other_kind(made.ref.backend(), made.ref.backend_type(), KeySpec::parse("p-384"), made.ref.fingerprint(),
                            made.ref.locator());
    CHECK_RAISES(backend->use(other_kind, {}), Errc::key_mismatch);
    CHECK(backend->check(other_kind, {}).value().code() == Errc::key_mismatch);
    const KeyRef empty(made.ref.backend(), made.ref.backend_type(), made.ref.key(), made.ref.fingerprint(), {});
    CHECK(backend->check(empty, {}).has_value());
}

TEST_CASE("contract: a key outlives its backend, and an operation outlives its key") {
    const auto world = make_world();
    auto backend = world->open();
    auto key = backend->use(create(*world, *backend, "root").ref, {});
    const auto public_key = key->public_key();
    backend.reset();
    auto signer = std::make_unique<Botan::PK_Signer>(*key, rng(), "SHA-256");
    key.reset();
    CHECK(Botan::PK_Verifier(*public_key, "SHA-256").verify_message(message, signer->sign_message(message, rng())));
    signer.reset();
}

TEST_CASE("contract: one key and one backend serve many threads at a time", "[threads]") {
    const auto world = make_world();
    const auto backend = world->open();
    const auto made = create(*world, *backend, "root");
    const auto shared = backend->use(made.ref, {});
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 6; ++t) {
            threads.emplace_back([&, t] {
                try {
                    const auto own = t % 2 == 0 ? nullptr : backend->use(made.ref, {});
                    for(int i = 0; i < 20; ++i) {
                        good += signs(own ? *own : *shared, "SHA-256") ? 1 : 0;
                    }
                } catch(const std::exception&) {
                    // Counted as not good.
                }
            });
        }
    }
    CHECK(good == 120);
}

TEST_CASE("contract: of two creators of one label at most one wins, and the other is told", "[threads]") {
    const auto world = make_world();
    const auto backend = world->open();
    std::atomic<int> made = 0;
    std::mutex mutex;
    std::vector<Errc> refused;
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                try {
                    static_cast<void>(create(*world, *backend, "root"));
                    ++made;
                } catch(const Error& error) {
                    const std::lock_guard lock(mutex);
                    refused.push_back(error.code());
                }
            });
        }
    }
    CHECK(made == 1);
    CHECK(refused == std::vector(3, Errc::already_exists));
    CHECK(dynamic_cast<KeyLister&>(*backend).list({}).keys.size() == 1);
}
