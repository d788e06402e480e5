// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/token_counters.hpp>

namespace keyway::pkcs11 {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for(const char c : text) {
        if(c == '\\' || c == '"') {
            out += '\\';
        }
        if(c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

class Lines {
public:
    explicit Lines(std::string_view token) : label_("token=\"" + escaped(token) + '"') {}

    void counter(std::string_view name, std::string_view help, std::uint64_t value) {
        head(name, help, "counter");
        line(name, {}, value);
    }
    void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
        head(name, help, "gauge");
        line(name, {}, value);
    }
    void head(std::string_view name, std::string_view help, std::string_view type) {
        text_ += "# HELP keyway_" + std::string(name) + ' ' + std::string(help) + "\n# TYPE keyway_" + std::string(name) + ' ' +
                 std::string(type) + '\n';
    }
    void line(std::string_view name, const std::string& more, std::uint64_t value) {
        text_ += "keyway_" + std::string(name) + '{' + label_ + more + "} " + std::to_string(value) + '\n';
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string label_;
    std::string text_;
};

}  // namespace

std::string_view to_string(Circuit circuit) noexcept {
    switch(circuit) {
        case Circuit::closed:
            return "closed";
        case Circuit::open:
            return "open";
        case Circuit::probing:
            return "probing";
    }
    return "closed";
}

std::string TokenCounters::to_prometheus() const {
    Lines out(token);
    out.counter("operations_total", "Signatures, decryptions and key agreements that came out.", operations);
    out.counter("operations_repeated_total", "Operations that the token may have done more than once.", repeated);
    out.counter("signatures_verified_total", "Signatures verified before they were handed out.", verified);
    out.head("failures_total", "Failed PKCS#11 calls by return value.", "counter");
    for(const auto& [name, count] : failures) {
        out.line("failures_total", ",return_value=\"" + escaped(name) + '"', count);
    }
    out.counter("logins_total", "Logins to the token.", logins);
    out.counter("key_finds_total", "Keys found, or found again.", finds);
    out.counter("reconnects_total", "How often the token came back after it was away.", reconnects);
    out.counter("module_reloads_total", "How often the module was finalised and initialised again.", reloads);
    out.counter("looks_total", "How often a token that is away was looked for.", looks);
    out.gauge("circuit_open", "1 while the token is away.", circuit == Circuit::closed ? 0 : 1);
    out.counter("sessions_opened_total", "Sessions opened.", sessions_opened);
    out.counter("sessions_lost_total", "Sessions found gone, or given up after a failure.", sessions_lost);
    out.counter("session_waits_total", "How often a thread had to wait for a session.", session_waits);
    out.gauge("sessions_most", "How many sessions there may be at the same time.", sessions_most);
    out.gauge("sessions_in_use", "Sessions in use.", sessions_in_use);
    out.gauge("sessions_idle", "Sessions open and free.", sessions_idle);
    out.gauge("threads_waiting", "Threads that wait for a session.", threads_waiting);
    return out.take();
}

}  // namespace keyway::pkcs11
