// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/backend_registry.hpp>
#include <keyway/key/key_backend.hpp>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyway::contract {

/// What a backend's author tells the contract suite: how to make an empty store, and how to look into it.
class World {
public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    [[nodiscard]] virtual BackendType type() const = 0;

    /// Settings by which the store, always the same one, is opened.
    [[nodiscard]] virtual RawOptions settings() const = 0;

    /// The same with a secret that is wrong, and what has to come of it.
    [[nodiscard]] virtual RawOptions settings_with_wrong_secret() const = 0;
    [[nodiscard]] virtual Errc wrong_secret() const = 0;

    /// Does what a person has to do before the right secret is taken again; nothing for most stores.
    virtual void get_over_wrong_secret() const {}

    /// The right secret, which must never be seen.
    [[nodiscard]] virtual std::string secret() const = 0;

    /// Everything that is in the store, read past the backend: to see that nothing is left behind.
    [[nodiscard]] virtual std::vector<std::string> contents() const = 0;

    /// Why this store cannot do something, and has to refuse it; nothing when it can. Unless a world knows better, it is what the
    /// backend's capabilities leave out.
    /// @param doing "create" or "store" a kind of key, "sign" with a padding
    [[nodiscard]] virtual std::optional<std::string> lacks(std::string_view doing, std::string_view name) const;

    /// Why what it lacks is not known; empty when it is.
    [[nodiscard]] virtual std::string lacks_unknown() const { return {}; }

    /// What the backend is given to work with.
    [[nodiscard]] virtual BackendContext context() const { return {}; }

    /// The store opened anew, as after a restart.
    [[nodiscard]] std::unique_ptr<KeyBackend> open() const { return open_with(settings()); }
    [[nodiscard]] std::unique_ptr<KeyBackend> open_with(const RawOptions& settings) const;

    /// Options of a call.
    [[nodiscard]] OptionValues options(Phase phase,
                                       std::initializer_list<std::pair<std::string_view, std::string_view>> values) const;
};

/// Provided by the test program of each backend: a new, empty world.
[[nodiscard]] std::unique_ptr<World> make_world();

}  // namespace keyway::contract
