// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <bench/ways.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace keyway::bench {

/// Ways and signers as they were made for the first round: opening is not what is measured.
class Workshop {
public:
    explicit Workshop(Place place) : place_(std::move(place)) {}

    [[nodiscard]] Way& way(const std::string& name);
    [[nodiscard]] const std::vector<std::unique_ptr<Signer>>& signers(const std::string& way,
                                                                      const std::string& kind,
                                                                      std::size_t threads);

private:
    Place place_;
    std::map<std::string, std::unique_ptr<Way>> ways_;
    std::map<std::string, std::vector<std::unique_ptr<Signer>>> signers_;
};

/// Does what the lines of standard input say, until it ends; each line is answered with one.
///
///   have WAY                           ->  yes
///   run WAY KIND THREADS MICROSECONDS  ->  done SIGNATURES SIGNATURES-PER-SECOND PROCESSOR-SECONDS
///
/// or "absent" and the reason, or "error" and the message.
void serve();

}  // namespace keyway::bench
