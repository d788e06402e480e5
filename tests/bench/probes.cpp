// SPDX-License-Identifier: BSD-2-Clause
#include <bench/keyway_backend.hpp>
#include <bench/measure.hpp>
#include <bench/probes.hpp>
#include <bench/raw_token.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string_view>
#include <variant>

namespace keyway {
class KeyBulkOpener;  // a backend that opens many keys at once; not every build has it
}

namespace keyway::bench {

namespace {

/// Prints how long each step took, and how long the processor was busy with it.
class Steps {
public:
    void done(std::string_view name) {
        const auto now = Clock::now();
        const auto cpu = process_cpu_seconds();
        std::cout << name << ' ' << std::chrono::duration<double>(now - last_).count() << '\n'
                  << name << "-cpu " << cpu - last_cpu_ << '\n';
        last_ = Clock::now();
        last_cpu_ = process_cpu_seconds();
    }

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point last_ = Clock::now();
    double last_cpu_ = process_cpu_seconds();
};

void raw(const Place& place, const std::string& label) {
    Steps steps;
    const RawToken token(place);
    steps.done("initialise");
    const auto session = token.open_session();
    token.log_in(session);
    steps.done("log-in");
    const auto key = token.find_private_key(session, label);
    steps.done("find");
    auto input = input_of_token(kind_of("p-256"));
    std::vector<std::uint8_t> signature(most_signature_bytes);
    CK_ULONG size = signature.size();
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    require_ok(token.calls().C_SignInit(session, &mechanism, key), "C_SignInit");
    require_ok(token.calls().C_Sign(session, input.data(), input.size(), signature.data(), &size), "C_Sign");
    steps.done("sign");
}

void keyway(const Place& place, const std::string& text) {
    const auto ref = KeyRef::parse(text);
    Steps steps;
    const auto backend = open_backend(place);
    const auto key = backend->use(ref, {});
    steps.done("open");
    Botan::PK_Signer signer(*key, Botan::system_rng(), "SHA-256");
    static_cast<void>(signer.sign_message(message, Botan::system_rng()));
    steps.done("sign");
    const auto again = backend->use(ref, {});
    steps.done("find");
}

void list(const Place& place) {
    const RawToken initialised(place);
    Steps steps;
    const auto backend = open_backend(place);
    const auto listing = dynamic_cast<const KeyLister&>(*backend).list({});
    steps.done("list");
    std::cout << "keys " << listing.keys.size() << '\n';
}

void verify(const Place& place, const std::string& way_name, const Kind& kind) {
    std::vector<std::uint8_t> signature;
    const auto way = open_way(way_name, place);
    const auto signer = way->signer(kind);
    signer->sign(signature);
    signature.resize(signer->last_size());
    const auto backend = open_backend(place);
    const auto key = backend->use(ref_of(*backend, kind.label), {})->public_key();
    Botan::PK_Verifier verifier(*key, kind.padding);
    if(!verifier.verify_message(message, signature)) {
        throw std::runtime_error("the way " + way_name + " makes signatures with " + std::string(kind.name) +
                                 " that do not verify");
    }
}

void refs(const Place& place) {
    const auto backend = open_backend(place);
    for(const auto& key : dynamic_cast<const KeyLister&>(*backend).list({}).keys) {
        std::cout << key.ref.to_string() << '\n';
    }
}

/// A template, so that it compiles where Opener is only a name.
template <typename Opener>
void open_all(const Place& place, const std::string& file) {
    constexpr bool is_known = requires(const Opener& opener, std::span<const KeyRef> refs) { opener.use_all(refs, {}); };
    if constexpr(is_known) {
        std::vector<KeyRef> refs;
        std::ifstream lines(file);
        for(std::string line; std::getline(lines, line);) {
            refs.push_back(KeyRef::parse(line));
        }
        const RawToken initialised(place);
        Steps steps;
        const auto backend = open_backend(place);
        const auto keys = dynamic_cast<const Opener&>(*backend).use_all(refs, {});
        steps.done("open");
        for(const auto& key : keys) {
            if(const auto* const error = std::get_if<Error>(&key)) {
                throw std::runtime_error(error->message());
            }
        }
        std::cout << "keys " << keys.size() << '\n';
    } else {
        throw Absent("no interface of this build opens all keys in one go");
    }
}

}  // namespace

void probe(const std::vector<std::string>& arguments) {
    const auto place = Place::of_environment();
    const auto& what = arguments.at(0);
    if(what == "raw") {
        raw(place, arguments.at(1));
    } else if(what == "keyway") {
        keyway(place, arguments.at(1));
    } else if(what == "ref") {
        std::cout << "ref " << ref_of(*open_backend(place), arguments.at(1)).to_string() << '\n';
    } else if(what == "list") {
        list(place);
    } else if(what == "open-all") {
        open_all<KeyBulkOpener>(place, arguments.at(1));
    } else if(what == "verify") {
        verify(place, arguments.at(1), kind_of(arguments.at(2)));
    } else if(what == "refs") {
        refs(place);
    } else {
        throw std::runtime_error("there is no probe \"" + what + "\"");
    }
}

}  // namespace keyway::bench
