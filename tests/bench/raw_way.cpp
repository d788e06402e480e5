// SPDX-License-Identifier: BSD-2-Clause
#include <bench/raw_token.hpp>

#include <botan/hash.h>

namespace keyway::bench {

namespace {

/// The mechanism with its parameter, which has to stay where it is.
class Mechanism {
public:
    explicit Mechanism(const Kind& kind) : mechanism_{kind.mechanism, nullptr, 0} {
        if(kind.mechanism == CKM_RSA_PKCS_PSS) {
            mechanism_.pParameter = &pss_;
            mechanism_.ulParameterLen = sizeof(pss_);
        }
    }
    Mechanism(const Mechanism&) = delete;
    Mechanism& operator=(const Mechanism&) = delete;

    [[nodiscard]] CK_MECHANISM* get() noexcept { return &mechanism_; }

private:
    CK_RSA_PKCS_PSS_PARAMS pss_{CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM mechanism_;
};

class PlainSigner : public Signer {
public:
    PlainSigner(const RawToken& token, const Kind& kind)
        : calls_(token.calls()), mechanism_(kind), input_(input_of_token(kind)), session_(token.open_session()) {
        token.log_in(session_);
        key_ = token.find_private_key(session_, kind.label);
    }
    ~PlainSigner() override { calls_.C_CloseSession(session_); }

    void sign(std::vector<std::uint8_t>& out) override {
        out.resize(most_signature_bytes);
        CK_ULONG size = out.size();
        require_ok(calls_.C_SignInit(session_, mechanism_.get(), key_), "C_SignInit");
        require_ok(calls_.C_Sign(session_, input_.data(), input_.size(), out.data(), &size), "C_Sign");
        size_ = size;
    }

    [[nodiscard]] std::size_t last_size() const noexcept override { return size_; }

protected:
    CK_FUNCTION_LIST& calls_;
    Mechanism mechanism_;
    std::vector<std::uint8_t> input_;
    CK_SESSION_HANDLE session_;
    CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
    std::size_t size_ = 0;
};

class HashingSigner final : public PlainSigner {
public:
    HashingSigner(const RawToken& token, const Kind& kind)
        : PlainSigner(token, kind), start_(before_digest(kind).size()) {
        if(!kind.hash.empty()) {
            hash_ = Botan::HashFunction::create_or_throw(kind.hash);
        }
    }

    void sign(std::vector<std::uint8_t>& out) override {
        if(hash_) {
            hash_->update(message);
            hash_->final(std::span(input_).subspan(start_));
        }
        PlainSigner::sign(out);
    }

private:
    std::size_t start_;
    std::unique_ptr<Botan::HashFunction> hash_;
};

class CopySigner final : public PlainSigner {
public:
    CopySigner(const RawToken& token, const Kind& kind) : PlainSigner(token, kind) {
        CK_BBOOL no = CK_FALSE;
        CK_ATTRIBUTE in_session{CKA_TOKEN, &no, sizeof(no)};
        CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
        require_ok(calls_.C_CopyObject(session_, key_, &in_session, 1, &copy), "C_CopyObject");
        key_ = copy;
    }
};

/// What a program does that keeps nothing.
class NaiveSigner final : public Signer {
public:
    NaiveSigner(const RawToken& token, const Kind& kind)
        : token_(token), kind_(kind), mechanism_(kind), input_(input_of_token(kind)) {}

    void sign(std::vector<std::uint8_t>& out) override {
        out.resize(most_signature_bytes);
        CK_ULONG size = out.size();
        auto& calls = token_.calls();
        const auto session = token_.open_session();
        token_.log_in(session);
        const auto key = token_.find_private_key(session, kind_.label);
        require_ok(calls.C_SignInit(session, mechanism_.get(), key), "C_SignInit");
        require_ok(calls.C_Sign(session, input_.data(), input_.size(), out.data(), &size), "C_Sign");
        // The last session: closing it logs out.
        require_ok(calls.C_CloseSession(session), "C_CloseSession");
        size_ = size;
    }

    [[nodiscard]] std::size_t last_size() const noexcept override { return size_; }

private:
    const RawToken& token_;
    const Kind& kind_;
    Mechanism mechanism_;
    std::vector<std::uint8_t> input_;
    std::size_t size_ = 0;
};

class RawWay final : public Way {
public:
    RawWay(const Place& place, RawStyle style) : token_(place), style_(style) {}

    std::unique_ptr<Signer> signer(const Kind& kind) override {
        switch(style_) {
            case RawStyle::plain:
                break;
            case RawStyle::hashing:
                return std::make_unique<HashingSigner>(token_, kind);
            case RawStyle::session_copies:
                return std::make_unique<CopySigner>(token_, kind);
            case RawStyle::naive:
                return std::make_unique<NaiveSigner>(token_, kind);
        }
        return std::make_unique<PlainSigner>(token_, kind);
    }

private:
    RawToken token_;
    RawStyle style_;
};

}  // namespace

std::unique_ptr<Way> raw_way(const Place& place, RawStyle style) {
    return std::make_unique<RawWay>(place, style);
}

}  // namespace keyway::bench
