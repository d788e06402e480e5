// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <contract/world.hpp>
#include <support/temporary_folder.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace keyway::contract {

/// A world in a folder of its own, whose secret is a passphrase in a file.
class FolderWorld : public World {
public:
    FolderWorld() {
        write("passphrase", secret());
        write("wrong", "not " + secret());
    }

    Errc wrong_secret() const override { return Errc::passphrase_incorrect; }
    std::string secret() const override { return "correct horse battery staple"; }

    RawOptions settings_with_wrong_secret() const override {
        auto wrong = settings();
        wrong.at("passphrase") = option("file:" + (folder() / "wrong").string());
        return wrong;
    }

protected:
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

    [[nodiscard]] static RawOption option(std::string value) {
        return {.value = std::move(value), .form = RawOption::Form::text, .origin = {}};
    }
    [[nodiscard]] RawOption secret_option() const { return option("file:" + (folder() / "passphrase").string()); }

    /// Names and contents of all files.
    [[nodiscard]] static std::vector<std::string> files_in(const std::filesystem::path& place) {
        std::vector<std::string> out;
        if(std::filesystem::exists(place)) {
            for(const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
                if(entry.is_regular_file()) {
                    std::ifstream in(entry.path(), std::ios::binary);
                    out.push_back(entry.path().string() + "\n" +
                                  std::string(std::istreambuf_iterator<char>(in), {}));
                }
            }
        }
        std::ranges::sort(out);
        return out;
    }

private:
    void write(const std::string& name, const std::string& content) const {
        const auto path = folder() / name;
        std::ofstream(path) << content;
        std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }

    test::TemporaryFolder folder_;
};

/// The world of a backend that keeps its keys in a folder of its own, which an option names, under a passphrase: all that such a
/// backend needs to be tested.
class PassphraseWorld final : public FolderWorld {
public:
    /// @param more further settings by name
    explicit PassphraseWorld(BackendType type, RawOptions more = {}) : type_(std::move(type)), more_(std::move(more)) {}

    BackendType type() const override { return type_; }

    RawOptions settings() const override {
        auto all = more_;
        all.emplace("path", option((folder() / "keys").string()));
        all.emplace("passphrase", secret_option());
        return all;
    }

    std::vector<std::string> contents() const override { return files_in(folder() / "keys"); }

private:
    BackendType type_;
    RawOptions more_;
};

}  // namespace keyway::contract
