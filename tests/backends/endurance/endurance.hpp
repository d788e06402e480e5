// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <backends/file/opened_backend.hpp>

#include <chrono>
#include <functional>

namespace keyway::test {

/// A place for keys that several processes work on, each of which opens it for itself.
struct EnduringStore {
    std::function<OpenedBackend()> open;

    /// Options of each new key, beside its label.
    OpenedBackend::Texts of_new_keys{};

    /// Whether a process may be killed while it opens the store; else it is killed afterwards only.
    bool opens_in_one = true;

    /// Whether of several processes that want a label at the same moment one gets it, and the others an error.
    bool keeps_labels_unique = true;

    /// Whether nothing is left of a key that was not whole. A token makes a pair as two objects: the public one may be left alone,
    /// is listed so, stands for no key, and can be removed.
    bool leaves_no_remains = true;

    [[nodiscard]] OpenedBackend::Texts options(const std::string& label) const {
        auto all = of_new_keys;
        all["label"] = label;
        return all;
    }
    [[nodiscard]] CreatedKey create(const OpenedBackend& backend, const std::string& label) const {
        return backend.create("ed25519", options(label));
    }
};

/// Kills processes (SIGKILL) at random moments while they make and store keys, one process a round. Each key that was answered has
/// to be there and be the one that it was; each that is there has to be whole and usable; and a label is free when its key is not.
/// Failures are Catch2's; progress goes to the standard output.
void kill_in_the_middle(const EnduringStore& store, int rounds);

/// Kills a process at a random moment while it makes the store and a first key: whoever comes then finds it usable.
void kill_while_opening(const EnduringStore& store);

/// Two processes with 8 threads each create, use and remove keys: none is lost, none is another one.
void work_together(const EnduringStore& store, std::chrono::seconds how_long);

}  // namespace keyway::test
