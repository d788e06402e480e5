// SPDX-License-Identifier: BSD-2-Clause
#include "counters.hpp"

#include "plan.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace pkcs11_fault {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw PlanError("the counter file \"" + path + "\" " + why);
}

[[nodiscard]] std::string_view name_at(std::size_t place) {
    return place < function_count ? function_names[place] : std::string_view("(reset)");
}

void name_all(CounterTable& table) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::string_view name = name_at(i);
        std::copy(name.begin(), name.end(), table[i].name.begin());
    }
}

[[nodiscard]] bool is_ours(const CounterTable& table) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::string_view name = name_at(i);
        if (std::memcmp(table[i].name.data(), name.data(), name.size()) != 0) {
            return false;
        }
    }
    return true;
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        // A mapping keeps the file open, and so its lock.
        ::flock(number_, LOCK_UN);
        ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

/// All of it at once: a hole in the file would end the program with SIGBUS at the first count when the disk is full.
void write_new(int file, const std::string& path) {
    CounterTable table{};
    name_all(table);
    const ssize_t written = ::pwrite(file, &table, sizeof table, 0);
    if (written == static_cast<ssize_t>(sizeof table)) {
        return;
    }
    const std::string why = written < 0 ? std::generic_category().message(errno) : "the disk is full";
    static_cast<void>(::ftruncate(file, 0));
    refuse(path, "cannot be written: " + why);
}

[[nodiscard]] CounterTable* map_file(const std::string& path) {
    const int opened = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) {
        refuse(path, "cannot be opened: " + std::generic_category().message(errno));
    }
    const Descriptor file(opened);
    // Two processes may start at once: one writes the names, the other finds them.
    while (::flock(file.get(), LOCK_EX) != 0) {
        if (errno != EINTR) {
            refuse(path, "cannot be locked: " + std::generic_category().message(errno));
        }
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        refuse(path, "is not a file");
    }
    const bool fresh = status.st_size == 0;
    if (!fresh && static_cast<std::size_t>(status.st_size) != sizeof(CounterTable)) {
        refuse(path, "holds something else; name one that does not exist yet");
    }
    if (fresh) {
        write_new(file.get(), path);
    }
    void* const memory =
        ::mmap(nullptr, sizeof(CounterTable), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) {
        refuse(path, "cannot be mapped: " + std::generic_category().message(errno));
    }
    auto* const table = static_cast<CounterTable*>(memory);
    if (!is_ours(*table)) {
        ::munmap(memory, sizeof(CounterTable));
        refuse(path, "holds something else; name one that does not exist yet");
    }
    return table;
}

[[nodiscard]] CounterTable* own_table() {
    static CounterTable table;
    name_all(table);
    return &table;
}

} // namespace

Counters::Counters(const std::optional<std::string>& path)
    : table_(path ? map_file(*path) : own_table()), resets_(table_->back().calls.load()) {}

void Counters::reset(std::uint64_t key, bool anew) noexcept {
    Counter& last = table_->back();
    std::uint64_t resets = last.calls;
    const bool done = last.failed == key && !(anew && resets == resets_);
    // Where another process is first, it is done as well.
    if (done || !last.calls.compare_exchange_strong(resets, resets + 1)) {
        resets_ = resets;
        return;
    }
    resets_ = resets + 1;
    last.failed = key;
    for (std::size_t i = 0; i < function_count; ++i) {
        Counter& counter = (*table_)[i];
        counter.calls = 0;
        counter.failed = 0;
        counter.injected = 0;
    }
}

} // namespace pkcs11_fault
