// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/row_errors_internal.hpp>

namespace keyway {

Error no_such_row(const std::string& label, const std::string& where, const std::string& alias) {
    return {Errc::key_not_found, "there is no key " + in_quotes(label) + " in the database " + in_quotes(where),
            "list the keys of backend " + in_quotes(alias) + " to see those there are"};
}

Error damaged_row(const std::string& label, const std::string& where) {
    return {Errc::malformed_data,
            "the row of key " + in_quotes(label) + " in the database " + in_quotes(where) + " has been changed or is damaged",
            "restore the database from a copy"};
}

Error row_of_another_key(const std::string& label, const std::string& where, const std::string& found, const std::string& meant) {
    return {Errc::key_mismatch,
            "the key " + in_quotes(label) + " in the database " + in_quotes(where) +
                " is another than the one meant: its SPKI SHA-256 is " + found,
            "the reference is for " + meant};
}

}  // namespace keyway
