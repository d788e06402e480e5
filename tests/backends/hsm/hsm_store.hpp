// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/backend_registry.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyway::test {

using Texts = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// A SoftHSM token of its own, the hsm backend on it, and a way past the backend.
class HsmStore {
public:
    enum class Through { softhsm, fault_module };

    explicit HsmStore(Through through = Through::softhsm);

    /// The backend opened anew; values replace or add to the usual settings, an empty one takes one away.
    [[nodiscard]] std::unique_ptr<KeyBackend> open(Texts changes = {}, const BackendContext& context = {}) const;
    [[nodiscard]] static OptionValues options(Phase phase, Texts values);

    /// Makes a key; more options as pairs.
    [[nodiscard]] static CreatedKey create(KeyBackend& backend, std::string_view label, std::string_view kind = "p-256");

    /// A session past the backend, logged in, that can write.
    class Direct {
    public:
        explicit Direct(const HsmStore& store);
        [[nodiscard]] const pkcs11::Session& session() const noexcept { return session_; }
        [[nodiscard]] std::vector<CK_OBJECT_HANDLE> find(CK_OBJECT_CLASS object_class, std::string_view label) const;
        void set(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, std::string_view value) const;

    private:
        std::shared_ptr<pkcs11::Module> module_;
        pkcs11::Token token_;
        pkcs11::Session session_;
    };

    /// How many objects the token holds, counted on the disk.
    [[nodiscard]] std::size_t objects() const;

    /// A file with another PIN.
    [[nodiscard]] std::string wrong_pin_source() const;

    [[nodiscard]] softhsm_fixtures::SoftHsmToken& token() const { return softhsm_.token(); }
    [[nodiscard]] const std::string& module() const noexcept { return module_; }

    /// Steers the module when it is the one that fails on demand.
    [[nodiscard]] softhsm_fixtures::FaultModule& fault() const { return *fault_; }

private:
    mutable softhsm_fixtures::SoftHsmFixture softhsm_;
    std::string module_;
    std::unique_ptr<softhsm_fixtures::FaultModule> fault_;
};

}  // namespace keyway::test
