// SPDX-License-Identifier: BSD-2-Clause
//
// For comparison: the same signatures by OpenSSL's libcrypto and its pkcs11 provider, which the test kit's OPENSSL_CONF
// loads. A process of its own, as libcrypto's configuration is for a whole process.
#include <bench/serve.hpp>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/store.h>

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <stdexcept>

namespace keyway::bench {

namespace {

void require(bool good, const std::string& what) {
    if(!good) {
        const auto* const reason = ERR_reason_error_string(ERR_peek_last_error());
        throw std::runtime_error("OpenSSL cannot " + what + (reason == nullptr ? "" : std::string(": ") + reason));
    }
}

struct Freeing {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    void operator()(OSSL_STORE_CTX* store) const noexcept { OSSL_STORE_close(store); }
    void operator()(OSSL_STORE_INFO* info) const noexcept { OSSL_STORE_INFO_free(info); }
};
template <typename T>
using Owned = std::unique_ptr<T, Freeing>;

Owned<EVP_PKEY> load(std::string_view label) {
    const char* const token = std::getenv("PKCS11_TOKEN_URI");
    require(token != nullptr, "find PKCS11_TOKEN_URI");
    const auto uri = std::string(token) + ";object=" + std::string(label) + ";type=private";
    const Owned<OSSL_STORE_CTX> store(OSSL_STORE_open(uri.c_str(), nullptr, nullptr, nullptr, nullptr));
    require(store != nullptr, "open the token (is pkcs11-provider installed?)");
    while(OSSL_STORE_eof(store.get()) == 0) {
        const Owned<OSSL_STORE_INFO> info(OSSL_STORE_load(store.get()));
        if(info && OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY) {
            return Owned<EVP_PKEY>(OSSL_STORE_INFO_get1_PKEY(info.get()));
        }
    }
    throw std::runtime_error("OpenSSL finds no private key \"" + std::string(label) + "\" in the token");
}

class OpenSslSigner final : public Signer {
public:
    OpenSslSigner(EVP_PKEY* key, const Kind& kind)
        : key_(key), context_(EVP_MD_CTX_new()), is_pss_(kind.name == "rsa-2048-pss") {
        if(!kind.hash.empty()) {
            hash_ = kind.hash == "SHA-384" ? "SHA384" : "SHA256";
        }
    }

    void sign(std::vector<std::uint8_t>& out) override {
        out.resize(most_signature_bytes);
        size_ = out.size();
        EVP_PKEY_CTX* options = nullptr;  // the context's own
        const char* const hash = hash_.empty() ? nullptr : hash_.c_str();
        EVP_MD_CTX_reset(context_.get());
        require(EVP_DigestSignInit_ex(context_.get(), &options, hash, nullptr, nullptr, key_, nullptr) == 1, "begin to sign");
        if(is_pss_) {
            require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1, "set the padding");
            require(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1, "set the length of the salt");
        }
        require(EVP_DigestSign(context_.get(), out.data(), &size_, message.data(), message.size()) == 1, "sign");
    }

    [[nodiscard]] std::size_t last_size() const noexcept override { return size_; }

private:
    EVP_PKEY* key_;
    Owned<EVP_MD_CTX> context_;
    bool is_pss_;
    std::string hash_;
    std::size_t size_ = 0;
};

class OpenSslWay final : public Way {
public:
    std::unique_ptr<Signer> signer(const Kind& kind) override {
        auto& key = keys_[kind.label];
        if(!key) {
            key = load(kind.label);
        }
        return std::make_unique<OpenSslSigner>(key.get(), kind);
    }

private:
    std::map<std::string_view, Owned<EVP_PKEY>> keys_;
};

}  // namespace

std::unique_ptr<Way> open_way(std::string_view name, const Place&) {
    if(name != "openssl") {
        throw std::runtime_error("there is no way \"" + std::string(name) + "\"");
    }
    return std::make_unique<OpenSslWay>();
}

}  // namespace keyway::bench

int main() {
    keyway::bench::serve();
    // Without exit handlers: the provider closes sessions in one, where SoftHSM is gone already.
    _exit(0);
}
