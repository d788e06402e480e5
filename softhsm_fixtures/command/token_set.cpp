// SPDX-License-Identifier: BSD-2-Clause
#include "token_set.hpp"

#include "slots.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <string_view>

namespace softhsm_fixtures::command {

namespace {

/// Any number of tokens, and the folder is there before the first.
class SoftHsmTokens final : public TokenSet {
public:
    SoftHsmTokens(const std::vector<TokenOptions>& tokens, const FolderMade& folder_made) {
        folder_made(store_.directory());
        for (const auto& options : tokens) {
            store_.add_token(options);
        }
    }

    [[nodiscard]] const std::filesystem::path& directory() const noexcept override { return store_.directory(); }
    [[nodiscard]] const std::filesystem::path& module_path() const noexcept override { return store_.module_path(); }
    [[nodiscard]] const std::list<TokenDetails>& tokens() const noexcept override { return store_.tokens(); }
    [[nodiscard]] std::map<std::string, std::string> environment() const override {
        return {{"SOFTHSM2_CONF", store_.config_path().string()}};
    }
    /// The slot has the last 31 bits of the serial for its number: no need to ask the module.
    [[nodiscard]] std::string slot_of(const TokenDetails& token) const override {
        const auto digits = std::string_view(token.serial).substr(token.serial.size() - 8);
        return std::to_string(std::stoul(std::string(digits), nullptr, 16) & 0x7fffffffUL);
    }
    void keep() noexcept override { store_.keep(); }

private:
    SoftHsmStore store_;
};

/// The one token of another module.
class OtherToken final : public TokenSet {
public:
    OtherToken(const ModuleInfo& module, const TokenOptions& options, const FolderMade& folder_made)
        : token_(make_test_token(module, options)), tokens_{token_->details()} {
        folder_made(token_->directory());
        slot_ = slot_of_token({.module = module_path(), .token = tokens_.front(), .init_arguments = init_arguments(),
                               .environment = environment()});
    }

    [[nodiscard]] const std::filesystem::path& directory() const noexcept override { return token_->directory(); }
    [[nodiscard]] const std::filesystem::path& module_path() const noexcept override { return token_->module_path(); }
    [[nodiscard]] const std::list<TokenDetails>& tokens() const noexcept override { return tokens_; }
    [[nodiscard]] std::string init_arguments() const override { return token_->init_arguments(); }
    [[nodiscard]] std::map<std::string, std::string> environment() const override { return token_->environment(); }
    [[nodiscard]] std::string slot_of(const TokenDetails& /*token*/) const override { return slot_; }
    void keep() noexcept override { token_->keep(); }

private:
    std::unique_ptr<TestToken> token_;
    std::list<TokenDetails> tokens_;
    std::string slot_;
};

} // namespace

void check_token_count(const ModuleInfo& module, std::size_t count) {
    if (count != 1 && module.name() != "softhsm2") {
        // That a module can hold several says nothing about those that are made for a test.
        const std::string although = module.has("several-tokens") ? ", though the module itself can hold several" : "";
        throw InvalidOption("a fixture has one token of \"" + module.name() + '"' + although +
                            "; ask for one, take softhsm2 for " + std::to_string(count) + ", or run a fixture in a fixture");
    }
}

std::unique_ptr<TokenSet> make_token_set(const ModuleInfo& module, const std::vector<TokenOptions>& tokens,
                                         const FolderMade& folder_made) {
    if (module.name() == "softhsm2") {
        return std::make_unique<SoftHsmTokens>(tokens, folder_made);
    }
    check_token_count(module, tokens.size());
    return std::make_unique<OtherToken>(module, tokens.front(), folder_made);
}

} // namespace softhsm_fixtures::command
