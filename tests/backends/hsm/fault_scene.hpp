// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <backends/hsm/fault_support.hpp>

#include <span>

namespace keyway::test {

enum class Operation { sign, find, create, store, remove };

/// A call that an operation makes.
struct Place {
    Operation operation;
    std::string_view title;
    std::string_view function;
    int at = 1;
};

/// Each call that the operations make, in the order in which they make them.
[[nodiscard]] std::span<const Place> places();

inline constexpr std::int64_t scene_deadline_ms = 1'500;
inline constexpr std::int64_t margin_ms = 1'000;

/// A store with a key that signs, a key that must never sign for it, and whatever an operation needs.
class Scene {
public:
    explicit Scene(Texts changes = {});

    /// The backend and the key anew, as another run of a program would have them.
    void reopen(Texts changes = {});

    /// A key to be removed.
    [[nodiscard]] KeyRef make_victim() const;

    /// Does it with the key or the backend.
    /// @param victim for Operation::remove
    /// @throws Errc::internal when what came out is not right
    void perform(Operation operation, const std::optional<KeyRef>& victim) const;

    /// The sessions that the backend has by its own account.
    [[nodiscard]] std::size_t own_sessions() const;

    /// Takes away what operations made, and asserts that nothing else is gone or there.
    void clean_up() const;

    HsmStore store{HsmStore::Through::fault_module};
    std::size_t untold_sessions = 0;  ///< that the module may have opened without telling

private:
    std::unique_ptr<KeyBackend> open(Texts changes) const;
    std::shared_ptr<pkcs11::Module> module_;  // so that it stays loaded, and its sessions can be counted

public:
    std::unique_ptr<KeyBackend> backend;
    std::optional<KeyRef> ref;
    std::unique_ptr<Botan::Private_Key> key;
    std::unique_ptr<Botan::Public_Key> right;
};

/// Ends the login of the whole process behind the backend's back.
void log_out(const HsmStore& store);

}  // namespace keyway::test
