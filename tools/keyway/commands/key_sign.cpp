// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "../json_output.hpp"
#include "../output_file.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/options/suggestion.hpp>

#include <botan/base64.h>
#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

enum class Encoding { raw, der, hex, base64 };

Encoding encoding_of(const Arguments& arguments) {
    const auto name = arguments.value("format");
    if(!name) {
        return !arguments.has("out") && output_is_terminal() ? Encoding::base64 : Encoding::der;
    }
    if(*name == "raw") {
        return Encoding::raw;
    }
    if(*name == "der") {
        return Encoding::der;
    }
    if(*name == "hex") {
        return Encoding::hex;
    }
    if(*name == "base64") {
        return Encoding::base64;
    }
    throw Error(Errc::invalid_argument, "there is no signature format " + in_quotes(*name),
                name_hint(*name, {"raw", "der", "hex", "base64"}));
}

constexpr std::uint64_t largest_in_memory = 256UL * 1024UL * 1024UL;

/// Refuses more than fits in memory twice, for keys that sign the message itself and not its hash.
void require_fitting(const Botan::Private_Key& key, const InputFile& input, std::uint64_t size) {
    const auto name = key.algo_name();
    if((name == "Ed25519" || name == "Ed448" || name == "ML-DSA" || name == "SLH-DSA") && size > largest_in_memory) {
        throw Error(Errc::unsupported,
                    in_quotes(input.name()) + " is larger than 256 MiB, and a key of type " + in_quotes(name) +
                        " signs no more: the whole of it has to be held in memory",
                    "sign its hash instead, or take a key of another type");
    }
}

std::vector<std::uint8_t> sign(const Botan::Private_Key& key, const SignatureScheme& scheme,
                               Botan::Signature_Format format, InputFile& input) {
    require_fitting(key, input, input.size());
    auto& rng = Botan::system_rng();
    const auto public_key = key.public_key();
    Botan::PK_Signer signer(key, rng, scheme.botan_padding(), format);
    Botan::PK_Verifier verifier(*public_key, scheme.botan_padding(), format);
    std::uint64_t size = 0;
    for(auto block = input.next(); !block.empty(); block = input.next()) {
        size += block.size();
        require_fitting(key, input, size);
        signer.update(block);
        verifier.update(block);
    }
    auto signature = signer.signature(rng);
    if(!verifier.check_signature(signature)) {
        throw Error(Errc::verification_failed,
                    "the signature just made does not verify with the key's public half",
                    "the signature was thrown away; check the token or the machine");
    }
    return signature;
}

std::string text_form(const std::vector<std::uint8_t>& signature, Encoding encoding) {
    return (encoding == Encoding::hex ? Botan::hex_encode(signature, false)
                                      : Botan::base64_encode(signature)) +
           "\n";
}

void run(Session& session, const Arguments& arguments) {
    const auto encoding = encoding_of(arguments);
    const auto wish = parse_signature_wish(arguments.value("scheme").value_or("sha256"));
    std::optional<OutputFile> file;
    if(arguments.has("out") && arguments.value("out") != "-") {
        file.emplace(session, arguments);
    }
    InputFile input(arguments.required("in"));
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    const bool fixed_length = encoding == Encoding::raw;
    std::string reference;
    std::string scheme_name;
    const auto signature = session.audited({.operation = "sign", .backend = named.backend.str()}, [&](AuditEntry& entry) {
        const auto opened = session.open(named, entry);
        const auto scheme = choose_scheme(*opened.key, arguments.has("scheme") ? wish : SignatureWish{});
        reference = opened.ref.to_string();
        scheme_name = scheme.name();
        return sign(*opened.key, scheme, fixed_length ? Botan::Signature_Format::Standard : scheme.format(), input);
    });

    const bool as_text = encoding == Encoding::hex || encoding == Encoding::base64;
    if(file) {
        as_text ? file->write(text_form(signature, encoding)) : file->write(signature);
    }
    if(session.json()) {
        session.report({{"reference", reference},
                        {"scheme", scheme_name},
                        {"format", fixed_length ? "raw" : "der"},
                        {"encoding", encoding == Encoding::hex ? "hex" : "base64"},
                        {"signature", encoding == Encoding::hex ? Botan::hex_encode(signature, false)
                                                                : Botan::base64_encode(signature)},
                        {"out", file ? Json(file->name()) : Json()}},
                       "");
    } else if(!file) {
        as_text ? print(text_form(signature, encoding)) : print_bytes(signature);
    }
}

}  // namespace

Command key_sign_command() {
    auto out = OutputFile::out_flag("where the signature goes (default: -, standard output)");
    out.required = false;
    return {.noun = "key",
            .verb = "sign",
            .summary = "sign a file",
            .flags = {required({.name = "in", .value = "FILE", .help = "what to sign; - is standard input"}),
                      out,
                      OutputFile::force_flag(),
                      scheme_flag(),
                      {.name = "format",
                       .value = "FORMAT",
                       .help = "der: as X.509 and openssl have it; raw: the two numbers of an ECDSA "
                               "signature side by side; "
                               "hex or base64: der as text (default: der; base64 on a terminal)",
                       .values = {"der", "raw", "hex", "base64"}}},
            .positional = reference_positional(),
            .backend_phase = Phase::use,
            .details = "The signature is verified before it is handed out.",
            .example = "keyway key sign hsm:root --in report.pdf --out report.sig \\\n"
                       "    --user-pin env:HSM_PIN",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
