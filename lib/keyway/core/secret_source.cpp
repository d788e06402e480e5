// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/secret_source.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace keyway {

namespace {

constexpr std::size_t largest_secret = 64UL * 1024UL;

struct Scheme {
    std::string_view prefix;
    SecretSource::Kind kind;
};

constexpr std::array schemes{
    Scheme{"env:", SecretSource::Kind::environment},
    Scheme{"file:", SecretSource::Kind::file},
    Scheme{"fd:", SecretSource::Kind::descriptor},
    Scheme{"prompt:", SecretSource::Kind::prompt},
};

std::optional<int> descriptor_number(std::string_view text) {
    int number = -1;
    const auto* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if(result.ec != std::errc{} || result.ptr != end || number < 0) {
        return std::nullopt;
    }
    return number;
}

Error unavailable(const SecretSource& source, std::string_view what, const std::string& why) {
    return {Errc::secret_unavailable,
            "cannot read the " + std::string(what) + " from " + in_quotes(source.to_string()) + ": " + why,
            "make the secret available there, or name another source (env:NAME, file:PATH, fd:N, prompt:)"};
}

std::string reason(int error_number) {
    return std::generic_category().message(error_number);
}

Secret read_all(int fd, const SecretSource& source, std::string_view what) {
    // One wiped buffer of the largest size: a growing one would be copied, and iostreams keep copies of their own.
    Botan::secure_vector<std::uint8_t> buffer(largest_secret + 1);
    std::size_t size = 0;
    while(size < buffer.size()) {
        const auto got = ::read(fd, buffer.data() + size, buffer.size() - size);
        if(got < 0) {
            if(errno == EINTR) {
                continue;
            }
            throw unavailable(source, what, reason(errno));
        }
        if(got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    if(size > largest_secret) {
        throw unavailable(source, what, "it is larger than 64 KiB");
    }
    if(size > 0 && buffer[size - 1] == '\n') {
        --size;
        if(size > 0 && buffer[size - 1] == '\r') {
            --size;
        }
    }
    return Secret(Botan::secure_vector<std::uint8_t>(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)));
}

Secret read_file(const SecretSource& source, std::string_view what) {
    const Descriptor file(::open(source.name().c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat info {};
    if(file.get() < 0 || ::fstat(file.get(), &info) != 0) {
        throw unavailable(source, what, reason(errno));
    }
    // The group may read: that is how secrets are handed to services. Pipes and devices have no lasting content.
    const bool is_open = (info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0;
    const bool is_foreign = info.st_uid != ::geteuid() && info.st_uid != 0;
    if(S_ISREG(info.st_mode) && (is_open || is_foreign)) {
        throw Error(Errc::permissions_insecure,
                    "the file " + in_quotes(source.name()) + " that holds the " + std::string(what) +
                        (is_foreign ? " belongs to another user" : " can be read or changed by others"),
                    is_foreign ? "use a file of your own" : "chmod 600 " + source.name());
    }
    return read_all(file.get(), source, what);
}

Secret read_source(const SecretSource& source,
                   std::string_view what,
                   const SecretReader::Environment& environment,
                   const SecretReader::Prompt& prompt) {
    switch(source.kind()) {
        case SecretSource::Kind::environment:
            if(environment) {
                if(auto value = environment(source.name())) {
                    return std::move(*value);
                }
            }
            throw unavailable(source, what, "the environment variable is not set");
        case SecretSource::Kind::file:
            return read_file(source, what);
        case SecretSource::Kind::descriptor:
            break;  // the reader keeps those itself
        case SecretSource::Kind::prompt:
            if(prompt) {
                const auto text = source.name().empty() ? std::string(what) : source.name();
                if(auto value = prompt(text)) {
                    return std::move(*value);
                }
            }
            throw unavailable(source, what, "there is no terminal to ask on");
    }
    throw Error(Errc::internal, "a secret source of no known kind");
}

}  // namespace

SecretSource::SecretSource(Kind kind, std::string name) : kind_(kind), name_(std::move(name)) {}

SecretSource SecretSource::parse(std::string_view text) {
    for(const auto& scheme : schemes) {
        if(!text.starts_with(scheme.prefix)) {
            continue;
        }
        const auto name = text.substr(scheme.prefix.size());
        if(name.find('\0') != std::string_view::npos || (name.empty() && scheme.kind != Kind::prompt)) {
            throw Error(Errc::invalid_option,
                        "the secret source " + in_quotes(scheme.prefix) + " names nothing",
                        "write env:NAME, file:PATH, fd:N or prompt:");
        }
        if(scheme.kind == Kind::descriptor && !descriptor_number(name)) {
            throw Error(Errc::invalid_option,
                        "the secret source " + in_quotes(text) + " has no descriptor number",
                        "write fd:N with N the number of an open file descriptor");
        }
        return {scheme.kind, std::string(name)};
    }
    throw Error(Errc::invalid_option,
                "a secret was given where a secret's source is wanted (it is not repeated here)",
                "write env:NAME, file:PATH, fd:N or prompt:, never the secret itself: "
                "other users can see command lines and settings");
}

std::string SecretSource::to_string() const {
    for(const auto& scheme : schemes) {
        if(scheme.kind == kind_) {
            return std::string(scheme.prefix) + name_;
        }
    }
    return {};
}

struct SecretReader::Descriptors {
    std::mutex mutex;
    std::map<int, Secret> read;

    Secret get(const SecretSource& source, std::string_view what) {
        const int number = descriptor_number(source.name()).value_or(-1);
        const std::lock_guard lock(mutex);
        auto found = read.find(number);
        if(found == read.end()) {
            found = read.emplace(number, read_all(number, source, what)).first;
        }
        return found->second.clone();
    }
};

SecretReader::SecretReader() : SecretReader({}, {}) {}

SecretReader::SecretReader(Environment environment, Prompt prompt)
    : environment_(std::move(environment)),
      prompt_(std::move(prompt)),
      descriptors_(std::make_shared<Descriptors>()) {}

Secret SecretReader::read(const SecretSource& source, std::string_view what) const {
    auto secret = source.kind() == SecretSource::Kind::descriptor ? descriptors_->get(source, what)
                                                                  : read_source(source, what, environment_, prompt_);
    if(secret.empty()) {
        throw unavailable(source, what, "it is empty");
    }
    return secret;
}

}  // namespace keyway
