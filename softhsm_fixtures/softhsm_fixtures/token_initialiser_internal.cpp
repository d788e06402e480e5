// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/token_initialiser_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/helper_process_internal.hpp>

namespace softhsm_fixtures::internal {

std::string initialise_token(const InitialisationRequest& request) {
    auto report = run_helper({.program = init_program,
                              .arguments = {request.module.string(), request.label,
                                            request.so_pin_file.string(), request.user_pin_file.string()},
                              .environment = {{"SOFTHSM2_CONF", request.config.string()}},
                              .report_file = request.report_file},
                             "serial");
    if (!report.result || report.result->empty()) {
        throw InitialisationFailed("cannot initialise token \"" + request.label + "\": " + report.failure);
    }
    return std::move(*report.result);
}

void change_token_pins(const PinChangeRequest& request) {
    const auto report =
        run_helper({.program = init_program,
                    .arguments = {"--change-pins", request.module.string(), request.serial,
                                  request.so_pin_file.string(), request.user_pin_file.string(),
                                  request.new_so_pin_file.string(), request.new_user_pin_file.string()},
                    .environment = {{"SOFTHSM2_CONF", request.config.string()}},
                    .report_file = request.report_file},
                   "serial");
    if (!report.result) {
        throw InitialisationFailed("cannot change the PINs of token \"" + request.serial +
                                   "\": " + report.failure);
    }
}

} // namespace softhsm_fixtures::internal
