// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace tpm_broker {

using Bytes = std::vector<std::uint8_t>;
using Handle = std::uint32_t;
using CommandCode = std::uint32_t;

/// Sends a command to the TPM and returns its response.
using Transmit = std::function<Bytes(const Bytes&)>;

/// The attributes of the TPM's commands, of which a broker needs to know where handles are.
///
/// @spec TPM 2.0 part 2, 8.9 TPMA_CC
class CommandTable {
public:
    /// Asks the TPM for them.
    explicit CommandTable(const Transmit& transmit);

    [[nodiscard]] std::size_t handles_of(CommandCode code) const { return (attributes_of(code) >> 25U) & 7U; }
    [[nodiscard]] bool returns_handle(CommandCode code) const { return ((attributes_of(code) >> 28U) & 1U) != 0; }
    /// Whether the TPM flushes the objects that the command names.
    [[nodiscard]] bool flushes(CommandCode code) const { return ((attributes_of(code) >> 24U) & 1U) != 0; }

private:
    [[nodiscard]] std::uint32_t attributes_of(CommandCode code) const;

    std::map<CommandCode, std::uint32_t> attributes_;
};

/// What one process has in the TPM: transient objects and sessions.
///
/// They are in the TPM itself only while a command uses them, and saved otherwise, so that no number of processes
/// and no process that ends without a word exhausts the few places of the TPM. Transient objects get handles of the
/// space's own; sessions keep theirs.
class Space {
public:
    Space(const CommandTable& commands, const Transmit& transmit) : commands_(commands), transmit_(transmit) {}

    /// Executes a command as if the process had the TPM to itself; returns the response.
    [[nodiscard]] Bytes execute(Bytes command);

    /// Frees what the TPM keeps for saved sessions.
    void abandon();

private:
    struct Loaded {
        Handle own;  ///< as the process knows it
        Handle real; ///< as the TPM knows it at the moment
    };

    [[nodiscard]] Bytes execute_loaded(Bytes command, std::vector<Loaded>& objects, std::vector<Handle>& sessions);
    [[nodiscard]] Bytes flush(const Bytes& command, Handle handle);
    [[nodiscard]] Bytes transient_handles() const;
    void load_session(Handle handle, std::vector<Handle>& loaded);
    void load_sessions_of_authorisations(const Bytes& command, std::size_t at, std::vector<Handle>& loaded);
    void adopt_returned_handle(Bytes& response, std::vector<Handle>& sessions);
    void put_back(CommandCode code, bool succeeded, const std::vector<Loaded>& objects);
    void put_back(const std::vector<Handle>& sessions);

    const CommandTable& commands_;
    const Transmit& transmit_;
    std::map<Handle, Bytes> objects_;  // by the process's handle: the saved context
    std::map<Handle, Bytes> sessions_; // empty while it is loaded
};

} // namespace tpm_broker
