// SPDX-License-Identifier: BSD-2-Clause
// Many threads and random faults; and the same for long, with an eye on the memory. For how many signatures and how long is in
// the environment: KEYWAY_FAULT_SIGNATURES, KEYWAY_FAULT_SEED, KEYWAY_SOAK_SECONDS.
#include <backends/hsm/fault_support.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <array>
#include <atomic>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;

namespace {

using Stopwatch = std::chrono::steady_clock;

struct RandomFault {
    std::string_view fault;
    std::string_view more;
    bool loses_login;
};

constexpr RandomFault random_faults[] = {
    {"session-lost", R"("sessions": "one")", true},  // where it is the only one
    {"session-lost", R"("sessions": "all")", true},
    {"logged-out", "", true},
    {"handles-renumbered", "", false},
    {"handles-renumbered", R"("reused": true)", false},
    {"device-removed", R"("ms": 20)", true},
    {"slot-renumbered", "", true},  // sessions of the other slot are given up, and the login with the last
    {"return", R"("rv": "CKR_DEVICE_ERROR", "when": "before")", false},
    {"return", R"("rv": "CKR_DEVICE_ERROR", "when": "after")", false},
    {"return", R"("rv": "CKR_FUNCTION_FAILED", "when": "after")", false},
    {"return", R"("rv": "CKR_SESSION_CLOSED", "when": "before")", true},  // where all sessions are taken for closed
    {"return", R"("rv": "CKR_KEY_HANDLE_INVALID", "when": "before")", false},
    {"return", R"("rv": "CKR_OBJECT_HANDLE_INVALID", "when": "before")", false},
    {"return", R"("rv": "CKR_USER_NOT_LOGGED_IN", "when": "before")", false},
    {"return", R"("rv": "CKR_OPERATION_ACTIVE", "when": "before")", false},
    {"corrupt-signature", "", false},
};

/// Under a sanitizer all is slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int slowness = 6;
#else
constexpr int slowness = 1;
#endif

struct Result {
    std::atomic<std::uint64_t> valid{0};
    std::atomic<std::uint64_t> invalid{0};
    std::atomic<std::uint64_t> failed{0};
    [[nodiscard]] std::uint64_t ended() const noexcept { return valid + invalid + failed; }
    std::mutex mutex;
    std::string first_error;
};

/// Injects faults until it is told to stop. How many could have lost the login is counted.
class Trouble {
public:
    Trouble(const HsmStore& store, std::uint64_t seed, const Result& result)
        : thread_([this, &store, seed, &result](const std::stop_token& stop) {
              std::mt19937_64 random(seed);
              while(!stop.stop_requested()) {
                  const auto& fault = random_faults[random() % std::size(random_faults)];
                  const bool signs = fault.fault == "corrupt-signature";
                  losses_ += fault.loses_login ? 1U : 0U;
                  ++faults_;
                  std::string more(fault.more);
                  more += std::string(more.empty() ? "" : ", ") + R"("at": )" + std::to_string(1 + random() % 8);
                  store.fault().inject(fault_line(fault.fault, signs || random() % 2 == 0 ? "C_Sign" : "C_SignInit", more));
                  // The next one when this one has come, however fast or slow the machine is: or they pile up, and one
                  // operation meets them all.
                  constexpr std::uint64_t apart = 10;
                  const auto next = result.ended() + apart;
                  while(result.ended() < next && !stop.stop_requested()) {
                      std::this_thread::sleep_for(std::chrono::milliseconds(1));
                  }
                  if(faults_ % 64 == 0) {
                      store.fault().clear();  // so that the list does not grow for ever
                  }
              }
          }) {}

    void stop() {
        thread_.request_stop();
        thread_.join();
    }
    [[nodiscard]] std::uint64_t losses() const noexcept { return losses_; }
    [[nodiscard]] std::uint64_t faults() const noexcept { return faults_; }

private:
    std::atomic<std::uint64_t> losses_{0};
    std::atomic<std::uint64_t> faults_{0};
    std::jthread thread_;
};

/// Signs by 8 threads with two keys in turn, each with operations that are reused and ones that are not.
template <typename GoesOn>
void sign_by_threads(const std::array<const Botan::Private_Key*, 2>& keys, Result& result, const GoesOn& goes_on) {
    std::vector<std::jthread> threads;
    for(std::size_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            auto& rng = Botan::system_rng();
            const auto& key = *keys[t % 2];
            const auto right = key.public_key();
            Botan::PK_Verifier verifier(*right, "SHA-256");
            std::optional<Botan::PK_Signer> signer;
            for(std::uint32_t i = 0; goes_on(); ++i) {
                if(i % 4 == 0) {
                    signer.emplace(key, rng, "SHA-256");
                }
                const std::array<std::uint8_t, 5> message{static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(i),
                                                          static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i >> 16U), 7};
                try {
                    const auto signature = signer->sign_message(message, rng);
                    ++(verifier.verify_message(message, signature) ? result.valid : result.invalid);
                } catch(const Error& error) {
                    ++result.failed;
                    const std::lock_guard lock(result.mutex);
                    if(result.first_error.empty()) {
                        result.first_error = std::string(error.what()) + " (" + error.hint() + ")";
                    }
                }
            }
        });
    }
}

std::size_t resident_kilobytes() {
    std::ifstream status("/proc/self/status");
    for(std::string line; std::getline(status, line);) {
        if(line.starts_with("VmRSS:")) {
            return std::stoull(line.substr(6));
        }
    }
    return 0;
}

struct TwoKeys {
    HsmStore store{HsmStore::Through::fault_module};
    std::shared_ptr<pkcs11::Module> module = pkcs11::Module::open(store.module());
    // Handles may become other keys' unnoticed, and signatures wrong: verifying each is what is for that.
    std::unique_ptr<KeyBackend> backend = store.open({{"verify-signatures", "true"}, {"deadline-ms", "20000"}});
    std::unique_ptr<Botan::Private_Key> first = backend->use(HsmStore::create(*backend, "first").ref, {});
    std::unique_ptr<Botan::Private_Key> second = backend->use(HsmStore::create(*backend, "second").ref, {});
};

}  // namespace

TEST_CASE("8 threads sign on under random faults: all valid, all by the right key, one login for each loss") {
    const auto wanted = test::number_from_environment("KEYWAY_FAULT_SIGNATURES", 4'000 / slowness);
    const auto seed = test::number_from_environment("KEYWAY_FAULT_SEED", 20'261'127);
    INFO("KEYWAY_FAULT_SEED=" << seed);
    TwoKeys keys;
    keys.store.fault().reset_counters();
    Result result;
    const auto give_up = Stopwatch::now() + std::chrono::seconds(30 + wanted * slowness / 100);
    std::atomic<std::uint64_t> begun{0};
    Trouble trouble(keys.store, seed, result);
    sign_by_threads({keys.first.get(), keys.second.get()}, result, [&] { return begun++ < wanted && Stopwatch::now() < give_up; });
    trouble.stop();
    keys.store.fault().clear();
    INFO(result.first_error);
    INFO(trouble.faults() << " faults, of which " << trouble.losses() << " can have lost the login");
    CHECK(result.valid == wanted);
    CHECK(result.invalid == 0);
    CHECK(result.failed == 0);
    CHECK(trouble.faults() > 5);
    const auto logins = keys.store.fault().calls("C_Login") - keys.store.fault().failed_calls("C_Login");
    CHECK(logins <= trouble.losses());
    CHECK(logins > 0);
    CHECK(test::signs(*keys.first));
    CHECK(test::signs(*keys.second));
    WARN("one run: " << result.valid << " signatures, " << trouble.faults() << " faults, " << logins << " logins");
}

TEST_CASE("a soak under constant faults: memory stays flat") {
    const auto seconds = test::number_from_environment("KEYWAY_SOAK_SECONDS", 20);
    TwoKeys keys;
    Result result;
    const auto begin = Stopwatch::now();
    const auto end = begin + std::chrono::seconds(seconds);
    const auto warm = begin + std::chrono::seconds(std::max<std::uint64_t>(5, seconds / 10));
    std::size_t after_warm_up = 0;
    std::size_t at_the_end = 0;
    Trouble trouble(keys.store, 7, result);
    std::jthread watcher([&] {
        std::this_thread::sleep_until(warm);
        after_warm_up = resident_kilobytes();
        std::this_thread::sleep_until(end);
        at_the_end = resident_kilobytes();
    });
    sign_by_threads({keys.first.get(), keys.second.get()}, result, [&] { return Stopwatch::now() < end; });
    watcher.join();
    trouble.stop();
    INFO(result.first_error);
    INFO("VmRSS after warm-up " << after_warm_up << " kB, at the end " << at_the_end << " kB");
    CHECK(result.invalid == 0);
    CHECK(result.failed == 0);
    CHECK(result.valid > 100);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // Pages that threads' arenas take at their first need are no leak: a leak of one session, or one find, for each fault
    // would be over this in seconds.
    CHECK(at_the_end < after_warm_up + 4'096 + after_warm_up / 10);
#endif
    keys.store.fault().clear();
    keys.first.reset();
    keys.second.reset();
    keys.backend.reset();
    WARN("soak: " << result.valid << " signatures, " << trouble.faults() << " faults; VmRSS " << after_warm_up << " kB, then "
                  << at_the_end << " kB");
}
