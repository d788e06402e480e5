// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <p11-kit/pkcs11.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace support {

/// Sets or unsets an environment variable as long as it lives.
class Variable {
public:
    Variable(std::string name, const std::optional<std::string>& value);
    ~Variable();
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    std::string name_;
    std::optional<std::string> before_;
};

[[nodiscard]] std::optional<std::string> variable(const std::string& name);

/// The names in a folder, sorted.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& folder);

/// Permission bits, as in chmod.
[[nodiscard]] unsigned mode_of(const std::filesystem::path& path);

[[nodiscard]] std::string content_of(const std::filesystem::path& path);

struct Finished {
    int status = 0;     ///< exit status, or -1 for a signal
    std::string output; ///< both standard output and error
};
/// Runs a shell command to its end.
[[nodiscard]] Finished run(const std::string& command);

/// A token's label and serial, as the module tells them.
struct SeenToken {
    std::string label;
    std::string serial;
    bool operator==(const SeenToken&) const = default;
};

/// The SoftHSM of this process, initialised on the SOFTHSM2_CONF of the moment and finalised at the end.
class OpenModule {
public:
    /// `init_arguments`, where there are any, are what C_Initialize's pReserved points to.
    explicit OpenModule(const std::filesystem::path& path, std::string init_arguments = {});
    ~OpenModule();
    OpenModule(const OpenModule&) = delete;
    OpenModule& operator=(const OpenModule&) = delete;

    /// The initialised tokens, sorted by serial.
    [[nodiscard]] std::vector<SeenToken> tokens() const;

    /// What C_Login says on the token with the serial; logged out again.
    [[nodiscard]] CK_RV login(const std::string& serial, CK_USER_TYPE who, std::string pin) const;

    /// Logs the user in, stores a private data object in the token and finds it again; the number found.
    [[nodiscard]] std::size_t store_and_find(const std::string& serial, std::string pin) const;

    /// A read/write session on the token with the serial.
    [[nodiscard]] CK_SESSION_HANDLE open_session(const std::string& serial) const;

    [[nodiscard]] CK_FUNCTION_LIST& functions() const noexcept { return *p11_; }

private:
    void* library_;
    CK_FUNCTION_LIST* p11_ = nullptr;
};

} // namespace support
