// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/content.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <string>

namespace support {

/// A token made anew with a list in it, and SOFTHSM2_CONF for it.
class Filled {
public:
    explicit Filled(const std::string& list)
        : token_((softhsm_fixtures::skip_without_softhsm(),
                  softhsm_fixtures::TokenOptions{.content = softhsm_fixtures::TokenContent::parse(list),
                                                 .prepared = false})),
          conf_(token_.config_path()) {}

    [[nodiscard]] const softhsm_fixtures::SoftHsmToken& token() const { return token_; }

private:
    softhsm_fixtures::SoftHsmToken token_;
    softhsm_fixtures::ScopedSoftHsmConf conf_;
};

} // namespace support
