// SPDX-License-Identifier: BSD-2-Clause
#include "call_log.hpp"

#include "plan.hpp"

#include <names/names.hpp>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace pkcs11_fault {

namespace {

/// Names, numbers and no other text: nothing in a line has to be escaped.
class Line {
public:
    void member(std::string_view name, std::string_view text) {
        begin(name);
        text_ += '"';
        text_ += text;
        text_ += '"';
    }
    void member(std::string_view name, unsigned long number) {
        begin(name);
        text_ += std::to_string(number);
    }
    void microseconds(std::string_view name, std::chrono::nanoseconds time) {
        // Not by printf, which in some languages writes a comma.
        const auto tenths = (time.count() + 50) / 100;
        begin(name);
        text_ += std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
    }
    void members(std::string_view name, const std::vector<std::string>& texts) {
        begin(name);
        char before = '[';
        for (const std::string& text : texts) {
            text_ += before;
            text_ += '"' + text + '"';
            before = ',';
        }
        text_ += ']';
    }
    [[nodiscard]] std::string finished() { return std::move(text_) + "}\n"; }

private:
    void begin(std::string_view name) {
        text_ += text_.empty() ? "{\"" : ",\"";
        text_ += name;
        text_ += "\":";
    }
    std::string text_;
};

[[nodiscard]] unsigned long thread_number() {
#ifdef SYS_gettid
    return static_cast<unsigned long>(::syscall(SYS_gettid));
#else
    return 0;
#endif
}

} // namespace

CallLog::CallLog(const std::string& path)
    : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600)) {
    if (file_ < 0) {
        throw PlanError("the call log \"" + path + "\" cannot be opened: " + std::generic_category().message(errno));
    }
}

void CallLog::write(const LoggedCall& call) const {
    Line line;
    line.member("function", name_of(call.function));
    if (call.session) {
        line.member("session", *call.session);
    }
    if (call.slot) {
        line.member("slot", *call.slot);
    }
    if (call.mechanism) {
        line.member("mechanism", pkcs11_names::name_of_mechanism(*call.mechanism));
    }
    if (call.object) {
        line.member("object", *call.object);
    }
    line.member("rv", pkcs11_names::name_of_return_value(call.value));
    line.microseconds("us", call.took);
    if (!call.faults.empty()) {
        line.members("faults", call.faults);
    }
    line.member("pid", static_cast<unsigned long>(::getpid()));
    line.member("thread", thread_number());
    write_line(line.finished());
}

void CallLog::note(std::string_view event, std::string_view text) const {
    const nlohmann::json line = {{"event", event}, {"text", text}, {"pid", ::getpid()}};
    write_line(line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + '\n');
}

void CallLog::write_line(std::string_view line) const {
    const std::lock_guard lock(mutex_);
    if (file_ < 0) {
        return;
    }
    // One write for a line, so that those of other threads and processes do not get into it. A full disk must not fail
    // the program that is being tested, but whoever counts lines has to know.
    const std::string whole = cut_ ? '\n' + std::string(line) : std::string(line);
    const auto written = ::write(file_, whole.data(), whole.size());
    if (written == static_cast<ssize_t>(whole.size())) {
        cut_ = false;
        return;
    }
    const int error = errno;
    cut_ = cut_ || written > 0;
    if (!std::exchange(told_, true)) {
        std::fprintf(stderr, "pkcs11-fault: error: the call log cannot be written, and lacks lines from here on: %s\n",
                     written < 0 ? std::generic_category().message(error).c_str() : "the disk is full");
    }
}

void CallLog::close() {
    const std::lock_guard lock(mutex_);
    if (file_ >= 0) {
        ::close(std::exchange(file_, -1));
    }
}

} // namespace pkcs11_fault
