// SPDX-License-Identifier: BSD-2-Clause
// Ends in the way that is asked for, with keys of a token in use: status 0 and nothing on stderr when that is clean.
//
// usage: exit-program MODULE TOKEN-LABEL PIN-FILE WAY
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/key_backend.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace keyway;

namespace {

struct Parts {
    std::unique_ptr<KeyBackend> backend;
    std::unique_ptr<Botan::Private_Key> key;
    std::unique_ptr<Botan::PK_Signer> operation;  // half fed

    void drop(char which) {
        switch(which) {
            case 'b': backend.reset(); break;
            case 'k': key.reset(); break;
            default: operation.reset(); break;
        }
    }
};

Parts open(const char* module, const char* label, const char* pin_file) {
    const auto option = [](std::string value) {
        return RawOption{.value = std::move(value), .form = RawOption::Form::text, .origin = {}};
    };
    BackendRegistry registry;
    registry.add(hsm_backend());
    Settings settings;
    settings.add(BackendAlias("hsm"),
                 {.type = "hsm",
                  .options = {{"module", option(module)}, {"token-label", option(label)},
                              {"user-pin", option("file:" + std::string(pin_file))}}});
    Parts parts;
    parts.backend = registry.open(settings, BackendAlias("hsm"), {});
    parts.key = parts.backend->use(dynamic_cast<KeyLister&>(*parts.backend).list({}).keys.at(0).ref, {});
    auto& rng = Botan::system_rng();
    parts.operation = std::make_unique<Botan::PK_Signer>(*parts.key, rng, "SHA-256");
    static_cast<void>(parts.operation->sign_message(std::vector<std::uint8_t>{1}, rng));
    parts.operation->update(std::vector<std::uint8_t>{1, 2, 3});
    return parts;
}

void sign(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    static_cast<void>(Botan::PK_Signer(key, rng, "SHA-256").sign_message(std::vector<std::uint8_t>{1}, rng));
}

/// Destroyed after main, in a static destructor; its work, where it has some, is done there.
struct AtTheEnd {
    Parts parts;
    std::function<void(Parts&)> work;
    ~AtTheEnd() {
        if(work) {
            work(parts);
        }
    }
};
AtTheEnd at_the_end;

std::atomic<int> signed_so_far{0};

void start_signers(const Botan::Private_Key& key) {
    for(int t = 0; t < 4; ++t) {
        std::thread([&key] {
            for(;;) {
                sign(key);
                ++signed_so_far;
            }
        }).detach();
    }
    while(signed_so_far < 40) {
        std::this_thread::yield();
    }
}

/// Threads that are never joined use it to the last: nobody may destroy it.
Parts& kept_for_threads(Parts parts) {
    static auto* const kept = new Parts(std::move(parts));
    return *kept;
}

int end(Parts parts, const std::string& way) {
    if(way.starts_with("order-") || way.starts_with("thread-order-")) {
        const auto drop_all = [&] {
            for(const char which : way.substr(way.rfind('-') + 1)) {
                parts.drop(which);
            }
        };
        if(way.starts_with("order-")) {
            drop_all();
        } else {
            std::thread(drop_all).join();
        }
        return 0;
    }
    if(way == "static") {
        at_the_end.parts = std::move(parts);
        return 0;
    }
    if(way == "static-signs") {
        at_the_end.parts = std::move(parts);
        at_the_end.work = [](Parts& late) {
            try {
                sign(*late.key);
                ::_exit(3);  // it has to be an error, not a signature and not a crash
            } catch(const Error&) {
                // as it should be
            }
        };
        return 0;
    }
    if(way == "function-static") {
        static Parts late;
        late = std::move(parts);
        return 0;
    }
    if(way == "leaked") {
        static_cast<void>(kept_for_threads(std::move(parts)));
        return 0;
    }
    if(way == "thread-exits") {
        start_signers(*kept_for_threads(std::move(parts)).key);
        std::thread([] { std::exit(0); }).join();
        return 1;
    }
    if(way == "main-ends") {
        start_signers(*kept_for_threads(std::move(parts)).key);
        return 0;
    }
    if(way == "dropped-by-signers") {
        // The last owner is a thread that is just signing.
        std::vector<std::jthread> threads;
        auto shared = std::make_shared<Parts>(std::move(parts));
        shared->operation.reset();
        for(int t = 0; t < 4; ++t) {
            threads.emplace_back([shared] {
                for(int i = 0; i < 20; ++i) {
                    sign(*shared->key);
                }
            });
        }
        shared.reset();
        return 0;
    }
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    if(count != 5) {
        return 2;
    }
    ::alarm(60);
    try {
        return end(open(arguments[1], arguments[2], arguments[3]), arguments[4]);
    } catch(const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
