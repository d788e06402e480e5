// SPDX-License-Identifier: BSD-2-Clause
#include "process.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace keyway::test {

namespace {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
};

/// A nameless temporary file. Files cannot fill up and block as pipes do, so nothing has to be read while
/// waiting.
using TemporaryFile = std::unique_ptr<std::FILE, CloseFile>;

void check(int error, const std::string& what) {
    if(error != 0) {
        throw std::system_error(error, std::generic_category(), what);
    }
}

TemporaryFile temporary_file(const std::string& content = {}) {
    TemporaryFile file(std::tmpfile());
    if(!file || std::fwrite(content.data(), 1, content.size(), file.get()) != content.size() ||
       std::fflush(file.get()) != 0) {
        throw std::system_error(errno, std::generic_category(), "temporary file");
    }
    std::rewind(file.get());
    return file;
}

std::string read(std::FILE* file) {
    std::rewind(file);
    std::string text;
    std::array<char, 4096> buffer{};
    for(std::size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;) {
        text.append(buffer.data(), count);
    }
    return text;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& changes) {
    std::vector<std::string> out;
    for(char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if(!changes.contains(text.substr(0, text.find('=')))) {
            out.push_back(text);
        }
    }
    for(const auto& change : changes) {
        out.push_back(change.first + "=" + change.second);
    }
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> out;
    for(std::string& string : strings) {
        out.push_back(string.data());
    }
    out.push_back(nullptr);
    return out;
}

class FileActions {
public:
    FileActions() { check(posix_spawn_file_actions_init(&actions_), "spawn"); }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    void attach(std::FILE* file, int descriptor) {
        check(posix_spawn_file_actions_adddup2(&actions_, fileno(file), descriptor), "spawn");
    }

    void change_folder(const std::filesystem::path& folder) {
        check(posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()), "spawn");
    }

    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

ProcessResult run(const std::vector<std::string>& arguments, const ProcessSetting& setting) {
    if(arguments.empty()) {
        throw std::invalid_argument("no program to run");
    }
    const TemporaryFile in = temporary_file(setting.input);
    const TemporaryFile out = temporary_file();
    const TemporaryFile err = temporary_file();

    FileActions actions;
    actions.attach(in.get(), STDIN_FILENO);
    actions.attach(out.get(), STDOUT_FILENO);
    actions.attach(err.get(), STDERR_FILENO);
    if(!setting.folder.empty()) {
        actions.change_folder(setting.folder);
    }

    std::vector<std::string> argument_copies = arguments;
    std::vector<std::string> environment = environment_with(setting.environment);
    pid_t child = 0;
    check(posix_spawnp(&child, arguments.front().c_str(), actions.get(), nullptr,
                       pointers(argument_copies).data(), pointers(environment).data()),
          arguments.front());

    int status = 0;
    while(waitpid(child, &status, 0) < 0) {
        if(errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "waitpid");
        }
    }
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(out.get()),
            read(err.get())};
}

}  // namespace keyway::test
