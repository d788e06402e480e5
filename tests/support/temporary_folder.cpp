// SPDX-License-Identifier: BSD-2-Clause
#include <support/temporary_folder.hpp>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace keyway::test {

TemporaryFolder::TemporaryFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "keyway-test-XXXXXX").string();
    if(::mkdtemp(pattern.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "mkdtemp");
    }
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace keyway::test
