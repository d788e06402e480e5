// SPDX-License-Identifier: BSD-2-Clause
#include "openssl.hpp"

#include "support.hpp"

#include <fstream>
#include <iterator>

namespace probe::openssl {

namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const Bytes& content) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

[[nodiscard]] Bytes read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The options of `openssl pkeyutl` for a scheme.
[[nodiscard]] std::string options_of(Scheme scheme) {
    switch (scheme) {
    case Scheme::rsa_pkcs1: return "-pkeyopt digest:sha256";
    case Scheme::rsa_pss:
        return "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32";
    case Scheme::ecdsa: return "-pkeyopt digest:sha256";
    case Scheme::eddsa:
    case Scheme::ml_dsa: return "-rawin";
    }
    return {};
}

[[nodiscard]] Bytes ecdsa_as_der(const Bytes& signature) {
    const auto middle = signature.begin() + static_cast<std::ptrdiff_t>(signature.size() / 2);
    return der(0x30, concatenated({der_integer({signature.begin(), middle}),
                                   der_integer({middle, signature.end()})}));
}

[[nodiscard]] support::Finished openssl(const fs::path& folder, const std::string& arguments) {
    return support::run("cd '" + folder.string() + "' && OPENSSL_CONF=/dev/null openssl " + arguments);
}

} // namespace

Bytes message() {
    return from_text("what is signed");
}

Bytes message_digest() {
    return from_hex("819893434c4fe98186a93ce2782c7a73023a46b588b089bb559f98fc4b895c3c");
}

bool verifies(const fs::path& folder, Scheme scheme, const Bytes& public_key, const Bytes& signature) {
    const bool raw = scheme == Scheme::eddsa || scheme == Scheme::ml_dsa;
    write(folder / "public.der", public_key);
    write(folder / "signed", raw ? message() : message_digest());
    write(folder / "signature", scheme == Scheme::ecdsa ? ecdsa_as_der(signature) : signature);
    return openssl(folder, "pkeyutl -verify -pubin -keyform DER -inkey public.der -in signed -sigfile signature " +
                               options_of(scheme))
               .status == 0;
}

Bytes encrypt(const fs::path& folder, const Bytes& public_key, const Bytes& data, const std::string& padding) {
    write(folder / "public.der", public_key);
    write(folder / "plain", data);
    const std::string options =
        padding == "pkcs1" ? "-pkeyopt rsa_padding_mode:pkcs1"
                           : "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:" + padding +
                                 " -pkeyopt rsa_mgf1_md:" + padding;
    const auto done =
        openssl(folder, "pkeyutl -encrypt -pubin -keyform DER -inkey public.der -in plain -out encrypted " + options);
    if (done.status != 0) {
        throw std::runtime_error("OpenSSL cannot encrypt: " + done.output);
    }
    return read(folder / "encrypted");
}

bool has_signature_algorithm(const std::string& name) {
    return support::run("openssl list -signature-algorithms").output.find(name) != std::string::npos;
}

Bytes der(CK_BYTE tag, const Bytes& content) {
    Bytes result = {tag};
    if (content.size() < 0x80) {
        result.push_back(static_cast<CK_BYTE>(content.size()));
    } else if (content.size() < 0x100) {
        result.insert(result.end(), {0x81, static_cast<CK_BYTE>(content.size())});
    } else {
        result.insert(result.end(), {0x82, static_cast<CK_BYTE>(content.size() >> 8U),
                                     static_cast<CK_BYTE>(content.size() & 0xffU)});
    }
    result.insert(result.end(), content.begin(), content.end());
    return result;
}

Bytes concatenated(std::initializer_list<Bytes> parts) {
    Bytes result;
    for (const Bytes& part : parts) {
        result.insert(result.end(), part.begin(), part.end());
    }
    return result;
}

Bytes der_integer(Bytes magnitude) {
    while (magnitude.size() > 1 && magnitude.front() == 0) {
        magnitude.erase(magnitude.begin());
    }
    if (magnitude.empty() || magnitude.front() >= 0x80) {
        magnitude.insert(magnitude.begin(), 0);
    }
    return der(0x02, magnitude);
}

Bytes der_public_key(const Bytes& algorithm, const Bytes& key) {
    return der(0x30, concatenated({algorithm, der(0x03, concatenated({{0}, key}))}));
}

} // namespace probe::openssl
