// SPDX-License-Identifier: BSD-2-Clause
#include "output_file.hpp"

#include "inputs.hpp"
#include "terminal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace keyway::cli {

namespace fs = std::filesystem;

OutputFile::OutputFile(const Session& session, const Arguments& arguments)
    : path_(arguments.required("out")),
      replace_(arguments.has("force")) {
    if(is_standard_output()) {
        return;
    }
    std::error_code error;
    const auto status = fs::symlink_status(path_, error);
    if(fs::exists(status)) {
        if(!replace_) {
            throw Error(Errc::already_exists, "the file " + in_quotes(name()) + " is there already",
                        "choose another name, or replace it with --force");
        }
        if(const auto input = input_that_is(path_, session, arguments)) {
            throw Error(Errc::usage, in_quotes(name()) + " is " + *input + ", which --force does not replace",
                        "choose another name for --out");
        }
        if(!fs::is_regular_file(status)) {
            throw Error(Errc::storage_failed, in_quotes(name()) + " is no file that could be replaced",
                        "choose another name");
        }
    }
    const auto folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    if(!path_.has_filename() || ::access(folder.c_str(), W_OK | X_OK) != 0) {
        const auto reason =
            path_.has_filename() ? std::generic_category().message(errno) : "it names no file";
        throw Error(Errc::storage_failed, "cannot write " + in_quotes(name()) + ": " + reason,
                    "check that the folder exists and is writable");
    }
}

void OutputFile::write(std::string_view text) const {
    const void* const data = text.data();
    write(std::span(static_cast<const std::uint8_t*>(data), text.size()));
}

void OutputFile::write(std::span<const std::uint8_t> bytes) const {
    if(is_standard_output()) {
        print_bytes(bytes);
    } else if(replace_) {
        replace_file(path_, bytes, FileAccess::everyone);
    } else {
        write_new_file(path_, bytes, FileAccess::everyone);
    }
}

Flag OutputFile::out_flag(std::string help) {
    return {.name = "out", .value = "FILE", .help = std::move(help), .required = true};
}

Flag OutputFile::force_flag() {
    return {.name = "force", .takes = Takes::nothing, .help = "replace the output file if it is there"};
}

}  // namespace keyway::cli
