// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/database_internal.hpp>

namespace keyway::database {

Database::~Database() = default;

}  // namespace keyway::database
