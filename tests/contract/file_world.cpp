// SPDX-License-Identifier: BSD-2-Clause
#include <contract/folder_world.hpp>

#include <keyway/backends/file/file_backend.hpp>

namespace keyway::contract {

namespace {

class FileWorld final : public FolderWorld {
public:
    BackendType type() const override { return file_backend(); }
    /// Nothing: Botan has them all.
    std::optional<std::string> lacks(std::string_view, std::string_view) const override { return std::nullopt; }

    RawOptions settings() const override {
        return {{"path", option((folder() / "keys").string())}, {"passphrase", secret_option()},
                {"scrypt-parallelization", option("1")}};
    }

    std::vector<std::string> contents() const override { return files_in(folder() / "keys"); }
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<FileWorld>();
}

}  // namespace keyway::contract
