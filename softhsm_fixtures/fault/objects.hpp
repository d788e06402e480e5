// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <p11-kit/pkcs11.h>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

namespace pkcs11_fault {

/// What an object handle that a program holds means to the real module.
struct ObjectHandle {
    CK_OBJECT_HANDLE used;     ///< the object that does the work
    CK_OBJECT_HANDLE identity; ///< the object whose CKA_ID and CKA_LABEL are seen; another one when keys were swapped
};

/// The object handles that programs see, and those of the real module: the same until a fault makes them differ.
///
/// @threadsafety safe
class ObjectHandles {
public:
    [[nodiscard]] CK_OBJECT_HANDLE seen(CK_OBJECT_HANDLE real) const;
    /// Nothing when the handle is stale.
    [[nodiscard]] std::optional<ObjectHandle> real(CK_OBJECT_HANDLE seen) const;

    /// Every handle given out so far is stale.
    void renumber();

    /// Handles that were given out name other objects from now on: `next` maps each real handle to the one that its
    /// number names now.
    void shuffle(const std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE>& next);

    /// `replaced` works as `with` from now on.
    void swap(CK_OBJECT_HANDLE replaced, CK_OBJECT_HANDLE with);

    /// The real module begins with its numbers anew; those of before stay stale.
    void forget_all();

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    // Handles of one epoch are the real ones plus this, so that those of another can be told.
    static constexpr CK_OBJECT_HANDLE stride = CK_OBJECT_HANDLE{1} << (sizeof(CK_OBJECT_HANDLE) * 5);

    mutable std::mutex mutex_;
    std::atomic<bool> differ_ = false; // so that nothing is locked before a fault came
    CK_OBJECT_HANDLE epoch_ = 0;
    std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> real_of_;
    std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> seen_as_;
    std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> swapped_;
};

} // namespace pkcs11_fault
