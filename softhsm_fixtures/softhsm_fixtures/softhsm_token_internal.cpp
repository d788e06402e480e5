// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/kinds_token_internal.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

namespace softhsm_fixtures::internal {

namespace {

class SoftHsmTestToken final : public TestToken {
public:
    SoftHsmTestToken(const ModuleInfo& module, const TokenOptions& options) : token_(options) {
        parts_ = {.module = &module,
                  .module_path = token_.module_path(),
                  .details = token_.details(),
                  .init_arguments = {},
                  .environment = {{"SOFTHSM2_CONF", token_.config_path().string()}}};
    }

    [[nodiscard]] const std::filesystem::path& directory() const noexcept override {
        return token_.directory();
    }
    void keep() noexcept override { token_.keep(); }

private:
    SoftHsmToken token_;
};

} // namespace

std::unique_ptr<TestToken> make_softhsm_token(const ModuleInfo& module, const TokenOptions& options) {
    return std::make_unique<SoftHsmTestToken>(module, options);
}

} // namespace softhsm_fixtures::internal
