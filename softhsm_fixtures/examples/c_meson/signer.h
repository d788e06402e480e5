/* SPDX-License-Identifier: BSD-2-Clause */
/* The code under test: signs with a key in a token, and goes on when the token loses its sessions. */
#ifndef SIGNER_H
#define SIGNER_H

#include <p11-kit/pkcs11.h>

struct signer;

struct signer_options {
    const char *module; /* path */
    const char *token;  /* label */
    const char *key;    /* label */
    const char *pin;
};

/* Finds token and key. The strings must live as long as the signer. Returns NULL, with the reason in *rv. */
struct signer *signer_open(const struct signer_options *options, CK_RV *rv);

/* Signs 32 bytes into 64 by CKM_ECDSA. */
CK_RV signer_sign(struct signer *signer, const unsigned char digest[32], unsigned char signature[64]);

void signer_close(struct signer *signer);

#endif
