// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/fill_token_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/helper_process_internal.hpp>
#include <softhsm_fixtures/private_file_internal.hpp>
#include <softhsm_fixtures/random_internal.hpp>

namespace softhsm_fixtures::internal {

namespace {

/// A file that goes when the object does: the content may hold private keys.
class ContentFile {
public:
    ContentFile(std::filesystem::path path, const std::string& text) : path_(std::move(path)) {
        write_private_file(path_, text);
    }
    ~ContentFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    ContentFile(const ContentFile&) = delete;
    ContentFile& operator=(const ContentFile&) = delete;

private:
    std::filesystem::path path_;
};

} // namespace

void fill_token(const FillRequest& request) {
    const std::string stem = "fill-" + random_hex(8);
    const auto content_path = request.work_folder / (stem + ".json");
    const ContentFile content(content_path, request.content.json());

    HelperCall call{.program = fill_program,
                    .arguments = {"--module", request.module.string(), "--user-pin-file",
                                  request.user_pin_file.string(), "--content", content_path.string()},
                    .environment = request.environment,
                    .report_file = request.work_folder / (stem + ".report")};
    const auto add = [&](const char* option, const std::optional<std::string>& value) {
        if (value) {
            call.arguments.insert(call.arguments.end(), {option, *value});
        }
    };
    add("--serial", request.token_serial);
    add("--label", request.token_label);
    add("--init-arguments", request.init_arguments);
    add("--so-pin-file", request.so_pin_file ? std::optional(request.so_pin_file->string()) : std::nullopt);

    const auto report = run_helper(call, "objects");
    if (!report.result) {
        throw FillFailed("cannot fill the token \"" +
                         request.token_label.value_or(request.token_serial.value_or("")) +
                         "\": " + report.failure);
    }
}

} // namespace softhsm_fixtures::internal
